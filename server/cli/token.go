package cli

import (
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/auth"
)

// tokenCmd makes keys and tokens.
type tokenCmd struct {
	Keys  tokenKeysCmd  `cmd:"" help:"Make a pair of keys: private.pem to issue tokens with, public.pem for serve --auth-keys."`
	Issue tokenIssueCmd `cmd:"" help:"Print a token, by which one player may join."`
}

// Help is shown by token --help.
func (tokenCmd) Help() string {
	return "For development, tests and tournaments among friends: players of a real game get their tokens where they sign in."
}

// The files of token keys.
const (
	privateFile = "private.pem"
	publicFile  = "public.pem"
)

type tokenKeysCmd struct {
	Dir string `arg:"" help:"The folder, which is made when it is not there."`
}

// issuerFlags are whom tokens are of and for.
type issuerFlags struct {
	Issuer   string `help:"The issuer: serve's --auth-issuer." default:"quicstep" placeholder:"ISSUER" group:"auth"`
	Audience string `help:"The audience: serve's --auth-audience." default:"quicstep" placeholder:"AUDIENCE" group:"auth"`
}

type tokenIssueCmd struct {
	Key string `required:"" help:"The private key, a PEM file." placeholder:"FILE" group:"auth"`
	issuerFlags
	User    string        `required:"" help:"Whom it is for: the name by which the player is known, and may be banned." placeholder:"NAME" group:"game"`
	Role    string        `help:"The player's role, which the game is told." placeholder:"ROLE" group:"game"`
	Game    string        `help:"It lets into this game alone." placeholder:"NAME" group:"game"`
	Room    string        `help:"It lets into this room alone, by its name, or a private one's code." placeholder:"NAME" group:"rooms"`
	Expires time.Duration `help:"After what time it is good no more." default:"1h" placeholder:"TIME" group:"auth"`
	Once    bool          `help:"It lets in one time alone." group:"auth"`
}

// Run makes the files.
func (c *tokenKeysCmd) Run(a *app) error {
	private, public, err := auth.NewKeys()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return fmt.Errorf("make the keys' folder: %w", err)
	}
	for _, file := range []struct {
		name string
		data []byte
	}{{privateFile, private}, {publicFile, public}} {
		if err := writeNew(filepath.Join(c.Dir, file.name), file.data); err != nil {
			return err
		}
	}
	fmt.Fprintf(a.Stdout, "the private key is in %s, for this user alone\n", filepath.Join(c.Dir, privateFile))
	fmt.Fprintf(a.Stdout, "now try: %s serve --auth-keys %s\n", a.Name, filepath.Join(c.Dir, publicFile))
	fmt.Fprintf(a.Stdout, "and: %s token issue --key %s --user ann\n", a.Name, filepath.Join(c.Dir, privateFile))
	return nil
}

// writeNew writes a file for its owner alone, which must not be there yet: a key that is lost can't be made again.
func writeNew(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return usagef("%s is there already, and is kept: choose another folder, or take it away", path)
	}
	if err != nil {
		return fmt.Errorf("write a key: %w", err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write the key %s: %w", path, err)
	}
	return nil
}

// Run prints the token.
func (c *tokenIssueCmd) Run(a *app) error {
	if c.Expires <= 0 {
		return usagef("--expires is %v; give a time above zero, as in 1h", c.Expires)
	}
	key, err := readPrivateKey("key", c.Key)
	if err != nil {
		return err
	}
	token, err := auth.Issue(key, auth.Grant{
		Issuer: c.Issuer, Audience: c.Audience, User: c.User, Role: c.Role, Room: c.Room, Game: c.Game,
		Issued: time.Now(), Expires: c.Expires, Once: c.Once,
	})
	if err != nil {
		return usageError{err}
	}
	if len(token) > protocol.MaxToken {
		return usagef("the token has %d bytes, and servers take %d: choose shorter names, or an Ed25519 key", len(token), protocol.MaxToken)
	}
	fmt.Fprintln(a.Stdout, token)
	return nil
}

func readPrivateKey(flag, path string) (crypto.Signer, error) {
	b, err := os.ReadFile(path)
	var key crypto.Signer
	if err == nil {
		key, err = auth.ParsePrivateKey(b)
	}
	if err != nil {
		return nil, usagef("--%s %s: %w", flag, path, err)
	}
	return key, nil
}

// botTokenLife is for how long a bot's token is good: it is used at once.
const botTokenLife = 10 * time.Minute

// tokens makes each bot a token for each of its joins; nil without a key.
func (c *botsCmd) tokens() (func(bot int) ([]byte, error), error) {
	if c.TokenKey == "" {
		return nil, nil
	}
	key, err := readPrivateKey("token-key", c.TokenKey)
	if err != nil {
		return nil, err
	}
	return func(bot int) ([]byte, error) {
		token, err := auth.Issue(key, auth.Grant{
			Issuer: c.Issuer, Audience: c.Audience, User: fmt.Sprintf("bot-%d", bot+1), Role: "bot", Issued: time.Now(), Expires: botTokenLife,
		})
		return []byte(token), err
	}, nil
}
