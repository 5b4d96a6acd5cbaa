package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	wire "github.com/quicstep/quicstep/protocol/admin"
	"github.com/quicstep/quicstep/server/admin"
)

// adminCmd makes and takes the credentials of a server's admin door, on the server's machine.
type adminCmd struct {
	AdminDir string `help:"The folder of the admin door; without one quicstep/admin in the user's configuration folder." placeholder:"DIR" group:"operate"`

	Init   adminInitCmd   `cmd:"" help:"Make the first credentials, an owner's, which console on this machine finds by itself."`
	Add    adminAddCmd    `cmd:"" help:"Make credentials for somebody, and write the profile that they need."`
	Revoke adminRevokeCmd `cmd:"" help:"Take somebody's credentials away, at once."`
	List   adminListCmd   `cmd:"" help:"List credentials."`
}

type (
	adminInitCmd struct {
		Name string `help:"The owner's name, for the audit log." default:"owner" placeholder:"NAME" group:"operate"`
		Door string `help:"Where the console will look for the door: the server's --admin-addr." default:"127.0.0.1:4434" placeholder:"HOST:PORT" group:"network"`
	}
	adminAddCmd struct {
		Name string        `arg:"" help:"Whose they are, for the audit log."`
		Role string        `help:"One of ${enum}." enum:"viewer,operator,owner" default:"viewer" placeholder:"ROLE" group:"operate"`
		For  time.Duration `help:"For how long; 0 means for ever." default:"2160h" placeholder:"TIME" group:"operate"`
		Door string        `help:"How that console reaches the door." default:"127.0.0.1:4434" placeholder:"HOST:PORT" group:"network"`
		Out  string        `help:"Write the profile into this file, which must not be there yet, for this user alone. Without it, it is printed." placeholder:"FILE" group:"operate"`
	}
	adminRevokeCmd struct {
		Name string `arg:"" help:"Whose they are."`
	}
	adminListCmd struct{}
)

// folder is where the door's files are.
func doorFolder(dir string) (admin.Folder, error) {
	if dir != "" {
		return admin.Folder(dir), nil
	}
	return admin.DefaultFolder()
}

// Run makes the folder.
func (c *adminInitCmd) Run(a *app, in *adminCmd) error {
	folder, err := doorFolder(in.AdminDir)
	if err != nil {
		return err
	}
	if err := folder.Init(c.Name, c.Door, time.Now()); err != nil {
		return err
	}
	fmt.Fprintf(a.Stdout, "%s is an owner; the credentials are in %s, for this user alone\n", c.Name, folder.Profile())
	flag := ""
	if in.AdminDir != "" {
		flag = " --admin-dir " + shellWord(in.AdminDir)
	}
	fmt.Fprintf(a.Stdout, "now start the server: %s serve --admin-addr %s%s, then try: %s console%s rooms\n", a.Name, c.Door, flag, a.Name, profileFlag(in.AdminDir))
	return nil
}

// profileFlag is how console finds the owner's credentials of a folder; nothing for the one where it looks by itself.
func profileFlag(dir string) string {
	if dir == "" {
		return ""
	}
	return " --profile " + shellWord(admin.Folder(dir).Profile())
}

// shellWord is a text as a shell takes it for one word.
func shellWord(text string) string {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("/:._-+,@"+string(filepath.Separator), c)
	}
	if text != "" && strings.TrimFunc(text, plain) == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// Run makes credentials, and writes or prints their profile.
func (c *adminAddCmd) Run(a *app, in *adminCmd) error {
	folder, err := doorFolder(in.AdminDir)
	if err != nil {
		return err
	}
	role, err := admin.ParseRole(c.Role)
	if err != nil {
		return usagef("--role: %w", err)
	}
	if c.For < 0 {
		return usagef("--for is %v; give a time, as in 24h, or 0 for ever", c.For)
	}
	var expires time.Time
	if c.For > 0 {
		expires = time.Now().Add(c.For)
	}
	add := func() (wire.Profile, error) { return folder.Add(c.Name, role, expires, c.Door, time.Now()) }
	if c.Out != "" {
		if err := writeProfile(c.Out, add); err != nil {
			return err
		}
		fmt.Fprintf(a.Stdout, "%s is %s; their profile is in %s, for this user alone: hand it over unseen by others, for console --profile FILE\n", c.Name, role, c.Out)
		return nil
	}
	profile, err := add()
	if err != nil {
		return err
	}
	fmt.Fprintf(a.Stderr, "%s is %s; this is their profile, shown once: they keep it in a file for their eyes alone, for console --profile FILE\n", c.Name, role)
	_, err = a.Stdout.Write(profile.Format())
	return err
}

// writeProfile makes credentials, and writes their profile into a new file, which it opens before: there is nothing to be made
// that can't be written. When anything fails the file is not there.
func writeProfile(path string, add func() (wire.Profile, error)) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return usagef("--out: %s is there already: name a file that is not", path)
	}
	if err != nil {
		return usagef("--out: %w", err)
	}
	profile, err := add()
	if err == nil {
		if _, err = file.Write(profile.Format()); err != nil {
			err = fmt.Errorf("--out: %w: revoke the credentials before you add them anew", err)
		}
	}
	if err = errors.Join(err, file.Close()); err != nil {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// Run takes credentials away.
func (c *adminRevokeCmd) Run(a *app, in *adminCmd) error {
	folder, err := doorFolder(in.AdminDir)
	if err != nil {
		return err
	}
	if err := folder.Revoke(c.Name); err != nil {
		return err
	}
	fmt.Fprintf(a.Stdout, "%s comes in no more; who is in is out within a second\n", c.Name)
	return nil
}

// Run lists credentials.
func (c *adminListCmd) Run(a *app, in *adminCmd) error {
	folder, err := doorFolder(in.AdminDir)
	if err != nil {
		return err
	}
	list, err := folder.Credentials()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tROLE\tSINCE\tUNTIL")
	for _, one := range list {
		until := "for ever"
		if !one.Expires.IsZero() {
			until = one.Expires.Format(time.RFC3339)
		}
		if one.Expired(time.Now()) {
			until += ", expired"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", one.Name, one.Role, one.Created.Format(time.RFC3339), until)
	}
	return w.Flush()
}
