package cli

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/quicstep/quicstep/server/admin"
)

// adminCmd makes and takes the credentials of a server's admin door, on the server's machine.
type adminCmd struct {
	AdminDir string `help:"The folder of the admin door; without one quicstep/admin in the user's configuration folder." placeholder:"DIR" group:"operate"`

	Init   adminInitCmd   `cmd:"" help:"Make the first credentials, an owner's, which console on this machine finds by itself."`
	Add    adminAddCmd    `cmd:"" help:"Make credentials for somebody, and print the profile that they need."`
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
	fmt.Fprintf(a.Stdout, "now start the server with --admin-addr %s, then try: %s console rooms\n", c.Door, a.Name)
	return nil
}

// Run makes credentials and prints their profile.
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
	profile, err := folder.Add(c.Name, role, expires, c.Door, time.Now())
	if err != nil {
		return err
	}
	fmt.Fprintf(a.Stderr, "%s is %s; this is their profile, shown once: they keep it in a file for their eyes alone, for console --profile FILE\n", c.Name, role)
	_, err = a.Stdout.Write(profile.Format())
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
