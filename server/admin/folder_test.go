package admin_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// TestAFolderIsMadeWholeOrNotAtAll, and what stands in the way is named.
func TestAFolderIsMadeWholeOrNotAtAll(t *testing.T) {
	folder := newFolder(t)
	inTheWay := filepath.Join(string(folder), "key.pem")
	if err := os.MkdirAll(filepath.Join(inTheWay, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := folder.Init("ann", admin.DefaultAddr, time.Now()); err == nil || !strings.Contains(err.Error(), inTheWay) {
		t.Errorf("with a folder in the way of a file it ends with %v", err)
	}
	entries, err := os.ReadDir(string(folder))
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if want := []string{"audit.jsonl", "credentials.json.lock", "key.pem"}; !slices.Equal(left, want) {
		t.Errorf("it leaves %v, want %v", left, want)
	}
	if err := os.RemoveAll(inTheWay); err != nil {
		t.Fatal(err)
	}
	if err := folder.Init("ann", admin.DefaultAddr, time.Now()); err != nil {
		t.Fatal(err)
	}
	err = folder.Init("eve", admin.DefaultAddr, time.Now())
	if err == nil || !strings.Contains(err.Error(), "remove credentials.json, certificate.pem, key.pem, console.json there") {
		t.Errorf("a second one ends with %v, want it to name what to remove", err)
	}
}

// TestWhoMakesCredentialsIsInTheAuditLog, and who takes them away.
func TestWhoMakesCredentialsIsInTheAuditLog(t *testing.T) {
	folder := newFolder(t)
	if err := folder.Init("ann", admin.DefaultAddr, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := folder.Add("ben", admin.Operator, time.Now().Add(time.Hour), "", time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := folder.Revoke("ben"); err != nil {
		t.Fatal(err)
	}
	if err := folder.Revoke("ben"); err == nil {
		t.Error("who has no credentials was revoked")
	}
	data, err := os.ReadFile(filepath.Join(string(folder), "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(data)) {
		var l auditLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if l.Who == "" || l.Role != "machine" || l.From == "" || l.ID == "" || l.At.IsZero() {
			t.Errorf("%+v", l)
		}
		got = append(got, fmt.Sprintf("%s %s %s %s", l.Act, l.On["name"], l.On["role"], l.State))
	}
	want := []string{
		"admin init ann owner asked", "admin init ann owner done", "admin add ben operator asked", "admin add ben operator done",
		"admin revoke ben  asked", "admin revoke ben  done", "admin revoke ben  asked", "admin revoke ben  failed",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the audit log is %q, want %q", got, want)
	}
}

// TestWhatCantBeWrittenDownChangesNoCredentials: a folder in the place of the audit log.
func TestWhatCantBeWrittenDownChangesNoCredentials(t *testing.T) {
	folder := newFolder(t)
	if err := folder.Init("ann", admin.DefaultAddr, time.Now()); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(string(folder), "audit.jsonl")
	if err := os.Remove(log); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(log, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := folder.Add("ben", admin.Viewer, time.Time{}, "", time.Now()); err == nil || !strings.Contains(err.Error(), "nothing was done") {
		t.Errorf("it is answered by %v", err)
	}
	if list, err := folder.Credentials(); err != nil || len(list) != 1 {
		t.Errorf("there are %d credentials, %v", len(list), err)
	}
}
