package server

import (
	"context"
	"time"
)

const (
	// certificateEvery is how often the certificate's files are looked at.
	certificateEvery = time.Minute
	// certificateWarning is how long before its end a certificate is warned of, once a day.
	certificateWarning = 14 * 24 * time.Hour
)

// ReloadCertificate reads Config.CertificateFile and KeyFile anew, at once: the server does so by itself every minute. It
// returns what is wrong with them; the former certificate stays in use then. Players who are in notice nothing. Any
// goroutine may call it.
func (s *Server) ReloadCertificate() error {
	changed, err := s.listener.ReloadCertificate()
	if changed {
		s.cfg.Log.Info("certificate reloaded", "ends", s.listener.CertificateExpires())
		s.warnOfRSA()
	}
	return err
}

// watchCertificate reloads the certificate until ctx ends, and says in time when it will end.
func (s *Server) watchCertificate(ctx context.Context) {
	s.warnOfRSA()
	again := time.NewTicker(certificateEvery)
	defer again.Stop()
	said, warned := "", time.Time{}
	for {
		text := ""
		if err := s.ReloadCertificate(); err != nil {
			text = err.Error()
		}
		if text != said && text != "" {
			s.cfg.Log.Error("the certificate's files are wrong, the former certificate stays in use", "error", text)
		}
		said = text
		now, ends := time.Now(), s.listener.CertificateExpires()
		if !s.listener.Development() && !ends.IsZero() && ends.Sub(now) < certificateWarning && now.Sub(warned) >= 24*time.Hour {
			warned = now
			s.cfg.Log.Warn("the certificate ends soon, or has ended: nobody new gets in then", "ends", ends)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}

func (s *Server) warnOfRSA() {
	if s.listener.SlowCertificate() {
		s.cfg.Log.Warn("the certificate's key is RSA: a handshake takes four times as long as with ECDSA, so that a flood of them costs as much more")
	}
}
