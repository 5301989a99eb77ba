package main

import (
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	"go.etcd.io/etcd/server/v3/embed"
)

const etcdStartTimeout = 30 * time.Second

// runEtcd serves one etcd member to whoever shows a certificate of its own authority. It has no peers and no peer port.
func runEtcd() int {
	flags := flag.NewFlagSet("etcd", flag.ExitOnError)
	dir := flags.String("data-dir", "", "where the data is kept")
	listen := flags.String("listen", "", "URL to serve on, https://127.0.0.1:PORT")
	certificates := flags.String("certificates", "", "folder written by `wheelhouse-kube certificates`")
	_ = flags.Parse(os.Args[1:]) // exits by itself

	lock, err := lockFolder(*dir)
	if err != nil {
		return failed(err)
	}
	defer lock.Close()
	// The log is this process's own only from here on: until now it may have been complaining into another's.
	_ = os.Stderr.Truncate(0) // not a file: nothing to empty
	config, err := etcdConfig(*dir, *listen, *certificates)
	if err != nil {
		return failed(err)
	}
	server, err := embed.StartEtcd(config)
	if err != nil {
		return failed(fmt.Errorf("etcd: %w", err))
	}
	defer server.Close()

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	select {
	case <-server.Server.ReadyNotify():
	case <-stop:
		return 0
	case <-time.After(etcdStartTimeout):
		return failed(fmt.Errorf("etcd: not ready within %s", etcdStartTimeout))
	}
	select {
	case err := <-server.Err():
		return failed(fmt.Errorf("etcd: %w", err))
	case <-stop:
		return 0
	}
}

func etcdConfig(dir, listen, certificates string) (*embed.Config, error) {
	address, err := url.Parse(listen)
	if err != nil {
		return nil, err
	}
	config := embed.NewConfig()
	config.Dir = dir
	config.ListenPeerUrls = nil
	config.ListenClientUrls = []url.URL{*address}
	config.AdvertiseClientUrls = []url.URL{*address}
	config.ClientTLSInfo = transport.TLSInfo{
		CertFile:       filepath.Join(certificates, "server.crt"),
		KeyFile:        filepath.Join(certificates, "server.key"),
		TrustedCAFile:  filepath.Join(certificates, "ca.crt"),
		ClientCertAuth: true,
	}
	config.EnableGRPCGateway = false // would need a client certificate for itself
	config.LogLevel = "warn"
	// What is lost in a power cut is a test's data; what is gained is every write of the fleet at memory speed. A killed
	// process loses nothing: the pages are the kernel's.
	config.UnsafeNoFsync = true
	return config, nil
}

// lockFolder makes a second etcd on the same data an error at once; etcd alone would wait for the first without a word.
func lockFolder(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("the data folder %s is in use by another etcd", dir)
	}
	return lock, err
}
