package admin_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/quicstep/quicstep/server/admin"
)

// TestCredentialsThatAreChangedAtOnce are all as they should be: none that was added is lost, none that was revoked is back.
func TestCredentialsThatAreChangedAtOnce(t *testing.T) {
	const many = 12
	folder, now := newFolder(t), time.Now()
	var work sync.WaitGroup
	made := make([]error, 3)
	for i := range made {
		work.Go(func() { made[i] = folder.Init("ann", admin.DefaultAddr, now) })
	}
	work.Wait()
	inits := 0
	for _, err := range made {
		if err == nil {
			inits++
		}
	}
	if inits != 1 {
		t.Errorf("%d of %d have made the folder, %v", inits, len(made), made)
	}
	add := func(name string) {
		if _, err := folder.Add(name, admin.Viewer, time.Time{}, "", now); err != nil {
			t.Error(err)
		}
	}
	for i := range many {
		add(fmt.Sprint("old", i))
	}
	for i := range many {
		work.Go(func() { add(fmt.Sprint("new", i)) })
		work.Go(func() {
			if err := folder.Revoke(fmt.Sprint("old", i)); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	list, err := folder.Credentials()
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]bool{}
	for _, c := range list {
		left[c.Name] = true
	}
	for i := range many {
		if added, revoked := fmt.Sprint("new", i), fmt.Sprint("old", i); !left[added] || left[revoked] {
			t.Errorf("%s is there: %v; %s: %v", added, left[added], revoked, left[revoked])
		}
	}
	if len(list) != many+1 {
		t.Errorf("there are %d credentials, want ann's and %d", len(list), many)
	}
}
