package transport

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/atomicfile"
)

// The development certificate is kept in numbered folders, development-1 and so on, of which the one with
// the highest number counts. A folder is complete when it gets its name, and is never changed: of two
// processes that make the same number, one fails to rename its folder, and uses the other's.
const (
	devFolder     = "development-"
	devTempPrefix = ".development-"
	devCertFile   = "certificate.pem"
	devKeyFile    = "key.pem"
)

// LoadDevCertificate returns the development certificate of this user, and writes its pin to
// protocol.DevPinFile. The kept one is reused until a day before its end; then, or when there is none that
// can be read, a new one is made. Any number of processes may do so at once, and get the same one.
// cacheDir takes the place of the user's cache folder; empty means that one.
func LoadDevCertificate(cacheDir string, now time.Time) (tls.Certificate, error) {
	cert, err := loadDevCertificate(cacheDir, now)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("load development certificate: %w", err)
	}
	return cert, nil
}

func loadDevCertificate(cacheDir string, now time.Time) (tls.Certificate, error) {
	if cacheDir == "" {
		var err error
		if cacheDir, err = os.UserCacheDir(); err != nil {
			return tls.Certificate{}, err
		}
	}
	pinFile := filepath.Join(cacheDir, filepath.FromSlash(protocol.DevPinFile))
	dir := filepath.Dir(pinFile)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return tls.Certificate{}, err
	}
	newest, err := newestDevFolder(dir)
	if err != nil {
		return tls.Certificate{}, err
	}
	cert, err := readDevFolder(dir, newest)
	if err != nil || !devUsable(cert, now) {
		if cert, err = makeDevFolder(dir, newest+1, now); err != nil {
			return tls.Certificate{}, err
		}
	}
	return cert, writePin(pinFile, sha256.Sum256(cert.Certificate[0]))
}

// devFolders returns the numbers of the folders in dir, in no order.
func devFolders(dir string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, entry := range entries {
		digits, ok := strings.CutPrefix(entry.Name(), devFolder)
		if n, err := strconv.Atoi(digits); ok && err == nil && n > 0 {
			numbers = append(numbers, n)
		}
	}
	return numbers, nil
}

// newestDevFolder returns the highest number; zero when there is none.
func newestDevFolder(dir string) (int, error) {
	newest := 0
	numbers, err := devFolders(dir)
	for _, n := range numbers {
		newest = max(newest, n)
	}
	return newest, err
}

func devFolderPath(dir string, n int) string { return filepath.Join(dir, devFolder+strconv.Itoa(n)) }

func readDevFolder(dir string, n int) (tls.Certificate, error) {
	folder := devFolderPath(dir, n)
	return tls.LoadX509KeyPair(filepath.Join(folder, devCertFile), filepath.Join(folder, devKeyFile))
}

// makeDevFolder makes folder n with a new certificate, or reads it when another process was faster.
func makeDevFolder(dir string, n int, now time.Time) (tls.Certificate, error) {
	// An hour of grace for clocks that are a little behind.
	cert, err := NewDevCertificate(DevCertificateParams{NotBefore: now.Add(-time.Hour)})
	if err != nil {
		return tls.Certificate{}, err
	}
	temp, err := os.MkdirTemp(dir, devTempPrefix)
	if err != nil {
		return tls.Certificate{}, err
	}
	defer os.RemoveAll(temp)
	if err := writeKeyPair(temp, cert); err != nil {
		return tls.Certificate{}, err
	}
	if renameErr := os.Rename(temp, devFolderPath(dir, n)); renameErr != nil {
		winner, err := readDevFolder(dir, n)
		if err != nil {
			return tls.Certificate{}, renameErr
		}
		return winner, nil
	}
	removeDevFoldersBefore(dir, n-1)
	return cert, nil
}

func writeKeyPair(dir string, cert tls.Certificate) error {
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		return err
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})
	if err := os.WriteFile(filepath.Join(dir, devCertFile), certPEM, 0o600); err != nil {
		return err
	}
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	return os.WriteFile(filepath.Join(dir, devKeyFile), keyPEM, 0o600)
}

// removeDevFoldersBefore tidies up. It leaves the last one before the newest, which a process that began a
// moment ago may be reading; what can't be removed does no harm.
func removeDevFoldersBefore(dir string, n int) {
	numbers, _ := devFolders(dir)
	for _, old := range numbers {
		if old < n {
			os.RemoveAll(devFolderPath(dir, old))
		}
	}
}

// writePin replaces the pin file in one step, unless it says the same already.
func writePin(path string, pin [sha256.Size]byte) error {
	text := []byte(protocol.FormatPin(pin) + "\n")
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
		return nil
	}
	return atomicfile.Write(path, text)
}
