package transport

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// origins tells which pages may use this server: a browser says for each request which page it is for.
type origins struct {
	listed   []string // "https://play.example.com", in lower case
	loopback bool     // those of this machine, too: the server is for this machine
	proven   bool     // the certificate is the operator's: whoever reaches the server by a name has proof of it
}

func newOrigins(cfg Config, loopback bool) (*origins, error) {
	o := &origins{loopback: loopback, proven: cfg.Certificate != nil}
	for _, origin := range cfg.Origins {
		u, err := url.Parse(strings.ToLower(origin))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Scheme+"://"+u.Host != strings.ToLower(origin) {
			return nil, fmt.Errorf("origin %q: write it as a browser does, as in https://play.example.com or https://play.example.com:8443", origin)
		}
		host, port := u.Host, u.Port()
		if u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
			host = strings.TrimSuffix(host, ":"+port) // browsers leave it out
		}
		o.listed = append(o.listed, u.Scheme+"://"+host)
	}
	return o, nil
}

// allow tells whether a request's page, if it has any, may use the server. Programs other than browsers name none.
func (o *origins) allow(r *http.Request) bool {
	origin := strings.ToLower(r.Header.Get("Origin"))
	if origin == "" || slices.Contains(o.listed, origin) {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	if o.loopback && isLoopback(u.Host) {
		return true
	}
	// The server's own. Without proof any name may have been pointed here, and its page would pass for ours.
	return u.Host == strings.ToLower(r.Host) && (o.proven || isLoopback(u.Host))
}

// hosts tells whether a request came by a name that the server goes by. Without a certificate to prove it, that is this
// machine's, or a listed origin's.
func (o *origins) hosts(r *http.Request) bool {
	host := strings.ToLower(r.Host)
	return o.proven || isLoopback(host) || slices.ContainsFunc(o.listed, func(origin string) bool {
		_, listed, _ := strings.Cut(origin, "://")
		return listed == host
	})
}

// isLoopback tells whether a host, with or without a port, is this machine whatever a name server says.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// RefuseOrigin answers a request of a page that may not use the server, in words that the page may read, and counts it. It returns false,
// and does nothing, when the page may, or when there is none.
func (l *Listener) RefuseOrigin(w http.ResponseWriter, r *http.Request) bool {
	if l.origins.allow(r) {
		return false
	}
	l.badOrigins.Add(1)
	origin := r.Header.Get("Origin")
	w.Header().Set("Vary", "Origin")
	w.Header().Set("Access-Control-Allow-Origin", origin)
	http.Error(w, fmt.Sprintf("pages of %.200q may not use this server: its operator can allow them with --origin, or server.Config.Origins", origin), http.StatusForbidden)
	return true
}
