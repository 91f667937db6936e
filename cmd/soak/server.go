package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/dnssecval/dnssecval/internal/peers"
)

// server is the CoreDNS under test.
type server struct {
	*peers.Server
	addr, metrics, pprof string
	dir, corefile        string
	reloaded             atomic.Int64 // time of the last reload in Unix nanoseconds
	up                   *upstream
	reloads, swaps       int
}

// startServer starts CoreDNS with small caches, so that they fill up quickly.
func startServer(program string, up *upstream) (*server, error) {
	dir, err := os.MkdirTemp("", "soak-")
	if err != nil {
		return nil, err
	}
	addrs, err := peers.FreeAddrs(3)
	if err != nil {
		return nil, err
	}
	s := &server{
		addr: addrs[0], metrics: addrs[1], pprof: addrs[2], dir: dir, corefile: filepath.Join(dir, "Corefile"),
		up: up,
	}
	if err := errors.Join(s.writeAnchors(), s.configure()); err != nil {
		return nil, err
	}
	s.Server, err = peers.Start(dir, "coredns", s.addr, program, "-conf", s.corefile)
	return s, err
}

func (s *server) stop() {
	s.Stop()
	_ = os.RemoveAll(s.dir)
}

// configure writes a Corefile that differs each time.
func (s *server) configure() error {
	host, port, _ := strings.Cut(s.addr, ":")
	return s.write("Corefile", fmt.Sprintf(`# %d
.:%s {
    bind %s
    errors
    prometheus %s
    pprof %s
    cache %d {
        success 2000
        denial 2000
    }
    dnssec {
        validate
        log-failures
        cache_capacity 2000
        trust-anchor %s
        builtin-negative-trust-anchors off
    }
    forward . %s
}
`, s.reloads, port, host, s.metrics, s.pprof, ttl, filepath.Join(s.dir, "anchors"), s.up.server.Addr()))
}

// writeAnchors writes the root's trust anchor, as DS or DNSKEY RR, and every
// other time also that of island.test.
func (s *server) writeAnchors() error {
	lines := s.up.world.Anchors(".")
	if s.swaps%2 == 1 {
		lines = append(s.up.world.AnchorKeys("."), s.up.world.Anchors("island.test.")...)
	}
	return s.write("anchors", strings.Join(lines, "\n")+"\n")
}

// write replaces a file atomically.
func (s *server) write(name, text string) error {
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

const (
	reloadEvery = 7 * time.Second
	swapEvery   = 16 * time.Second // files are checked every ten seconds
)

// disturb reloads the Corefile and swaps the trust anchors until ctx is done.
func (s *server) disturb(ctx context.Context) error {
	reload, swap := time.NewTicker(reloadEvery), time.NewTicker(swapEvery)
	defer reload.Stop()
	defer swap.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-s.Ended():
			return s.death()
		case <-reload.C:
			s.reloads++
			s.reloaded.Store(time.Now().UnixNano())
			err = errors.Join(s.configure(), s.Signal(syscall.SIGUSR1))
		case <-swap.C:
			s.swaps++
			err = s.writeAnchors()
		}
		if err != nil {
			return err
		}
	}
}

func (s *server) death() error { return fmt.Errorf("CoreDNS has ended by itself:\n%s", s.Log()) }

func (s *server) sinceReload() time.Duration { return time.Since(time.Unix(0, s.reloaded.Load())) }

// sample is the resource usage of the process at one time.
type sample struct {
	when              string
	memory, heap      float64 // octets
	goroutines, files float64
}

// collections is the number of garbage collections before a sample. forward
// stops the goroutine of an unused pool in a finalizer, and what that releases
// is found by the next collection.
const collections = 5

// sample reads the metrics after garbage collections.
func (s *server) sample(when string) (sample, error) {
	for range collections {
		if _, err := get("http://" + s.pprof + "/debug/pprof/heap?gc=1"); err != nil {
			return sample{}, err
		}
		time.Sleep(200 * time.Millisecond) // for finalizers
	}
	text, err := get("http://" + s.metrics + "/metrics")
	if err != nil {
		return sample{}, err
	}
	values := make(map[string]float64)
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), " "); ok {
			values[name], _ = strconv.ParseFloat(value, 64) // comments don't parse as numbers
		}
	}
	return sample{
		when: when, memory: values["process_resident_memory_bytes"], heap: values["go_memstats_heap_inuse_bytes"],
		goroutines: values["go_goroutines"], files: values["process_open_fds"],
	}, nil
}

func get(url string) (string, error) {
	client := http.Client{Timeout: 10 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}
