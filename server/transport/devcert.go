package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

const (
	// devValidity is how long a development certificate is valid. Browsers accept a pinned one for 14 days
	// at most.
	devValidity = 13 * 24 * time.Hour
	// devMargin is how long before its end a kept one is no longer used: a server that starts with it may
	// run for a while.
	devMargin = 24 * time.Hour
)

// DevCertificateParams says when a development certificate is valid.
type DevCertificateParams struct {
	// NotBefore is the first moment of its validity, and must be given. Under testing/synctest, whose clock
	// starts in 2000, take one before that.
	NotBefore time.Time
	// Validity is how long it is valid from then on; zero means 13 days. Browsers refuse more than 14.
	Validity time.Duration
}

// NewDevCertificate makes a self-signed certificate (ECDSA, P-256) for localhost, 127.0.0.1 and ::1, with a
// new key. Nobody trusts it by itself: clients pin its SHA-256. It returns an error when the parameters
// are invalid.
func NewDevCertificate(params DevCertificateParams) (tls.Certificate, error) {
	if params.NotBefore.IsZero() || params.Validity < 0 {
		return tls.Certificate{}, errors.New("make development certificate: no validity given")
	}
	if params.Validity == 0 {
		params.Validity = devValidity
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make development key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make development certificate: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "quicstep development"},
		NotBefore:    params.NotBefore,
		NotAfter:     params.NotBefore.Add(params.Validity),
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make development certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make development certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

// devUsable tells whether a kept certificate may serve a server that starts now.
func devUsable(cert tls.Certificate, now time.Time) bool {
	return !now.Before(cert.Leaf.NotBefore) && now.Before(cert.Leaf.NotAfter.Add(-devMargin))
}
