package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// A folder of a test fleet may be opened again after months.
const validity = 10 * 365 * 24 * time.Hour

// The clients of one API server: file name and user. All are cluster administrators; the names keep them apart in the audit
// log, where tests look for what somebody else did.
var clients = map[string]string{
	"admin":             "kubernetes-admin",
	"controllerManager": "system:kube-controller-manager",
	"scheduler":         "system:kube-scheduler",
	"kwok":              "kwok",
}

// writeCertificates gives each folder named in the arguments an authority of its own, and what it vouches for. A folder that
// has them already keeps them.
func writeCertificates() int {
	for _, dir := range os.Args[1:] {
		_, err := os.Stat(filepath.Join(dir, "complete"))
		if errors.Is(err, fs.ErrNotExist) {
			err = writeFolder(dir)
		}
		if err != nil {
			return failed(err)
		}
	}
	return 0
}

func writeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	authority, err := newAuthority(dir)
	if err != nil {
		return err
	}
	if err := authority.issue("server", serverTemplate()); err != nil {
		return err
	}
	for file, user := range clients {
		if err := authority.issue(file, clientTemplate(user)); err != nil {
			return err
		}
	}
	if err := writeServiceAccountKeys(dir); err != nil {
		return err
	}
	// Written last, so that a folder left half-way is written again.
	return os.WriteFile(filepath.Join(dir, "complete"), nil, 0o600)
}

func serverTemplate() *x509.Certificate {
	return &x509.Certificate{
		Subject:     pkix.Name{CommonName: "server"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback, net.IPv4(10, 96, 0, 1)},
		DNSNames:    []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
	}
}

func clientTemplate(user string) *x509.Certificate {
	return &x509.Certificate{
		Subject:     pkix.Name{CommonName: user, Organization: []string{"system:masters"}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

type authority struct {
	dir         string
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(dir string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := dated(&x509.Certificate{
		Subject:               pkix.Name{CommonName: "wheelhouse test authority"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	})
	bytes, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(bytes)
	if err != nil {
		return nil, err
	}
	// Its key is not kept: nothing is issued later.
	return &authority{dir, certificate, key}, writePEM(filepath.Join(dir, "ca.crt"), "CERTIFICATE", bytes)
}

func (a *authority) issue(file string, template *x509.Certificate) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	bytes, err := x509.CreateCertificate(rand.Reader, dated(template), a.certificate, key.Public(), a.key)
	if err != nil {
		return err
	}
	path := filepath.Join(a.dir, file)
	return errors.Join(writePEM(path+".crt", "CERTIFICATE", bytes), writeKey(path+".key", key))
}

func dated(template *x509.Certificate) *x509.Certificate {
	template.SerialNumber, _ = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)) // crypto/rand does not fail
	template.NotBefore = time.Now().Add(-time.Hour)                                        // clocks that were set back
	template.NotAfter = time.Now().Add(validity)
	return template
}

func writeServiceAccountKeys(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "service-accounts")
	return errors.Join(writePEM(path+".pub", "PUBLIC KEY", public), writeKey(path+".key", key))
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	bytes, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(path, "EC PRIVATE KEY", bytes)
}

func writePEM(path, kind string, bytes []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600)
}
