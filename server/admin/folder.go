package admin

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quicstep/quicstep/protocol/admin"
	"github.com/quicstep/quicstep/server/atomicfile"
	"github.com/quicstep/quicstep/server/transport"
)

// The files of a Folder, all for their owner's eyes alone.
const (
	credentialsFile = "credentials.json"
	certificateFile = "certificate.pem"
	keyFile         = "key.pem"
	auditFile       = "audit.jsonl"
	bansFile        = "bans.json"
	profileFile     = "console.json"
)

// certificateYears is for how long the door's certificate is good. It is pinned, not looked up, so that it need not be
// replaced now and then; a new Init makes a new one.
const certificateYears = 10

// ErrNoFolder says that there are no credentials yet, and what to do.
var ErrNoFolder = errors.New("there are no credentials yet: admin init makes the first ones")

// Folder is where a server keeps what belongs to the door. One server at a time has it, by the lock of BanFile (see
// server.Config.BanFile).
type Folder string

// DefaultFolder is in the user's configuration folder.
func DefaultFolder() (Folder, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find the configuration folder: %w", err)
	}
	return Folder(filepath.Join(dir, filepath.FromSlash(admin.DoorFolder))), nil
}

func (f Folder) path(name string) string { return filepath.Join(string(f), name) }

// BanFile is for server.Config.
func (f Folder) BanFile() string { return f.path(bansFile) }

// Profile is where the first credentials are for the console on this machine.
func (f Folder) Profile() string { return f.path(profileFile) }

// Init makes the folder with a certificate, and an owner's credentials, which the console on this machine finds by itself.
// The address is the door's. It is an error when there are credentials already. After an error nothing of that is there; the
// audit log says so, too.
func (f Folder) Init(name, addr string, now time.Time) error {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return err
	}
	return f.locked(func() error {
		if _, err := os.Stat(f.path(credentialsFile)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s has credentials already: add others; to begin anew remove %s there, and keep the audit log and the bans",
				f, strings.Join([]string{credentialsFile, certificateFile, keyFile, profileFile}, ", "))
		}
		return f.written("admin init", map[string]string{"name": name, "role": Owner.String()}, func() error { return f.init(name, addr, now) })
	})
}

// locked has nobody else change the credentials meanwhile: of two who add at once neither is lost, and who is revoked does not
// come back.
func (f Folder) locked(change func() error) error {
	return atomicfile.Locked(f.path(credentialsFile), change)
}

func (f Folder) init(name, addr string, now time.Time) error {
	cert, err := transport.NewDevCertificate(transport.DevCertificateParams{NotBefore: now.Add(-time.Hour), Validity: certificateYears * 365 * 24 * time.Hour})
	if err != nil {
		return err
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		return err
	}
	owner, token, err := grant(name, Owner, time.Time{}, now)
	if err != nil {
		return err
	}
	list, err := formatCredentials([]Credential{owner})
	if err != nil {
		return err
	}
	profile := admin.Profile{Addr: addr, Pin: sha256.Sum256(cert.Certificate[0]), Token: token}
	return f.writeAll([]file{
		{certificateFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})},
		{keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})},
		{profileFile, profile.Format()},
		{credentialsFile, list}, // last: with it the folder is whole
	})
}

// file is one of a Folder's, by its name.
type file struct {
	name string
	data []byte
}

// writeAll writes files. When one can't be written the others are taken back: half of them would be taken for a folder.
func (f Folder) writeAll(files []file) error {
	for i, one := range files {
		err := atomicfile.Write(f.path(one.name), one.data)
		if err == nil {
			continue
		}
		err = fmt.Errorf("write %s: %w", f.path(one.name), err)
		for _, made := range files[:i+1] { // of the last one, too, a part may be there
			if info, statErr := os.Lstat(f.path(made.name)); statErr == nil && info.Mode().IsRegular() {
				err = errors.Join(err, os.Remove(f.path(made.name)))
			}
		}
		return err
	}
	return nil
}

// Add makes credentials for somebody, and returns the profile that lets in whoever has it: it is kept nowhere. Expires may
// be zero, for never. The address is how that console reaches the door.
func (f Folder) Add(name string, role Role, expires time.Time, addr string, now time.Time) (admin.Profile, error) {
	cert, err := f.certificate()
	if err != nil {
		return admin.Profile{}, err
	}
	c, token, err := grant(name, role, expires, now)
	if err != nil {
		return admin.Profile{}, err
	}
	on := map[string]string{"name": name, "role": role.String(), "until": "for ever"}
	if !c.Expires.IsZero() {
		on["until"] = c.Expires.Format(time.RFC3339)
	}
	if err := f.locked(func() error { return f.written("admin add", on, func() error { return f.add(c) }) }); err != nil {
		return admin.Profile{}, err
	}
	return admin.Profile{Addr: addr, Pin: sha256.Sum256(cert.Certificate[0]), Token: token}, nil
}

func (f Folder) add(c Credential) error {
	list, err := f.Credentials()
	if err != nil {
		return err
	}
	switch {
	case slices.ContainsFunc(list, func(other Credential) bool { return other.Name == c.Name }):
		return fmt.Errorf("%s has credentials already: revoke them first, or take another name", c.Name)
	case len(list) >= maxCredentials:
		return fmt.Errorf("there are %d credentials, and no more may be: revoke some", maxCredentials)
	}
	return f.write(append(list, c))
}

// Revoke takes somebody's credentials away: who is in is out with the next request, within a second.
func (f Folder) Revoke(name string) error {
	if _, err := f.Credentials(); err != nil {
		return err
	}
	on := map[string]string{"name": name}
	return f.locked(func() error { return f.written("admin revoke", on, func() error { return f.revoke(name) }) })
}

func (f Folder) revoke(name string) error {
	list, err := f.Credentials()
	if err != nil {
		return err
	}
	left := slices.DeleteFunc(slices.Clone(list), func(c Credential) bool { return c.Name == name })
	if len(left) == len(list) {
		return fmt.Errorf("nobody is named %q", name)
	}
	return f.write(left)
}

// Credentials are those that were given and not revoked, expired ones included.
func (f Folder) Credentials() ([]Credential, error) {
	list, err := readCredentials(f.path(credentialsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", f, ErrNoFolder)
	}
	return list, err
}

func (f Folder) write(list []Credential) error {
	data, err := formatCredentials(list)
	if err != nil {
		return err
	}
	return atomicfile.Write(f.path(credentialsFile), data)
}

func formatCredentials(list []Credential) ([]byte, error) {
	data, err := json.MarshalIndent(list, "", "  ")
	return append(data, '\n'), err
}

// written makes a change to the credentials with a line of the audit log before it, without which it is not made, and one after
// it. Who makes it is a user of this machine.
func (f Folder) written(act string, on map[string]string, change func() error) (err error) {
	log, err := openAudit(f.path(auditFile))
	if err != nil {
		return fmt.Errorf("%w: nothing was done", err)
	}
	defer func() { err = errors.Join(err, log.close()) }()
	log.most = math.MaxInt64 // the server, which may have it open, begins the next file
	e := entry{At: time.Now().UTC(), ID: log.id(), Who: machineUser(), Role: machineRole, From: "this machine", Act: act, On: on, State: stateAsked}
	if err := log.append(e); err != nil {
		return fmt.Errorf("%w: nothing was done", err)
	}
	err = change()
	e.At, e.State = time.Now().UTC(), stateOf(err)
	if err != nil {
		e.Result = err.Error()
	}
	if auditErr := log.append(e); auditErr != nil {
		state := map[bool]string{true: "it was done", false: "nothing was done"}[err == nil]
		err = errors.Join(err, fmt.Errorf("%s, but that could not be written down: %w", state, auditErr))
	}
	return err
}

// machineRole stands in the audit log for who needs no credentials, since the folder is theirs.
const machineRole = "machine"

// machineUser is who runs this program.
func machineUser() string {
	if who, err := user.Current(); err == nil && who.Username != "" {
		return who.Username
	}
	return strconv.Itoa(os.Getuid())
}

func (f Folder) certificate() (tls.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(f.path(certificateFile), f.path(keyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return cert, fmt.Errorf("%s: %w", f, ErrNoFolder)
	}
	return cert, err
}
