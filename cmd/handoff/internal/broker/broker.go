package broker

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// StoreDir is the folder of JetStream's store below Options.Data.
const StoreDir = server.JetStreamStoreDir

const (
	readyWithin = 20 * time.Second // recovering a large store reads it whole
	maxPayload  = 4 << 20
)

// Options of Start.
type Options struct {
	Data     string            // the store is Data/jetstream
	Listen   string            // host:port for clients of other processes; "": none
	Users    map[string]string // service -> password; none: this process alone, which may do everything
	MaxStore int64             // bytes of the store; 0: from the disk, see Limit
	Log      *slog.Logger      // nil discards
}

// Server is a running NATS server. Safe for concurrent use.
type Server struct {
	ns    *server.Server
	users map[string]string
	limit int64
}

// Start starts a server and returns when it takes clients and JetStream has recovered its store.
func Start(o Options) (*Server, error) {
	dir := filepath.Join(o.Data, StoreDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("nats: %w", err)
	}
	limit := o.MaxStore
	if limit == 0 {
		var err error
		if limit, err = Limit(dir); err != nil {
			return nil, fmt.Errorf("nats: %w", err)
		}
	}
	so, err := serverOptions(o, limit)
	if err != nil {
		return nil, err
	}
	ns, err := server.NewServer(so)
	if err != nil {
		return nil, fmt.Errorf("nats: %w", err)
	}
	if o.Log != nil {
		ns.SetLoggerV2(logger{o.Log}, false, false, false)
	}
	ns.Start()
	if !ns.ReadyForConnections(readyWithin) || !ns.JetStreamEnabled() {
		ns.Shutdown()
		ns.WaitForShutdown()
		return nil, fmt.Errorf("nats: the server did not become ready in %s: look at its log lines above; its store is %s", readyWithin, dir)
	}
	if o.Listen != "" {
		tellLimit(ns, limit, o.Log)
	}
	return &Server{ns: ns, users: o.Users, limit: limit}, nil
}

// tellLimit makes the store's limit the account's, where programs elsewhere read how large their
// streams may be. A store that holds streams already is refused that, and needs it no more.
func tellLimit(ns *server.Server, limit int64, log *slog.Logger) {
	err := ns.GlobalAccount().UpdateJetStreamLimits(map[string]server.JetStreamAccountLimits{"": {
		MaxStore:  limit - 1, // it may grow by the limit at most, from -1, which is none
		MaxMemory: -1, MaxStreams: -1, MaxConsumers: -1, MaxAckPending: -1, MemoryMaxStreamBytes: -1, StoreMaxStreamBytes: -1,
	}})
	if err != nil && log != nil {
		log.Info("nats: the streams keep their sizes", "reason", err)
	}
}

func serverOptions(o Options, limit int64) (*server.Options, error) {
	so := &server.Options{
		ServerName: "handoff", DontListen: o.Listen == "",
		JetStream: true, StoreDir: o.Data, SyncAlways: true,
		JetStreamMaxStore: limit, JetStreamMaxMemory: 64 << 20,
		MaxPayload: maxPayload, NoSigs: true, NoSystemAccount: false,
	}
	if o.Listen != "" {
		host, port, err := net.SplitHostPort(o.Listen)
		if err != nil {
			return nil, fmt.Errorf("nats: %q is no host:port", o.Listen)
		}
		n, err := strconv.Atoi(port)
		if err != nil {
			return nil, fmt.Errorf("nats: %q is no port", port)
		}
		if n == 0 {
			n = server.RANDOM_PORT
		}
		so.Host, so.Port = host, n
	}
	for service, password := range o.Users {
		so.Users = append(so.Users, &server.User{
			Username: service, Password: password, Permissions: permissions(service),
		})
	}
	return so, nil
}

// Connect connects this process over a pipe, as the user of a service, or - where the server has no
// users - as a client that may do everything; service is then only the connection's name.
func (s *Server) Connect(service string, more ...nats.Option) (*nats.Conn, error) {
	opts := []nats.Option{nats.InProcessServer(s.ns), nats.Name("handoff " + service), nats.MaxReconnects(-1)}
	if len(s.users) > 0 {
		password, known := s.users[service]
		if !known {
			return nil, fmt.Errorf("nats: there is no user %q", service)
		}
		opts = append(opts, nats.UserInfo(service, password))
	}
	return nats.Connect("", append(opts, more...)...)
}

// ClientURL is where other processes connect as the user of a service; "" where nothing listens.
func (s *Server) ClientURL(service string) string {
	if s.ns.Addr() == nil {
		return ""
	}
	u := url.URL{Scheme: "nats", Host: s.ns.Addr().String()}
	if password, ok := s.users[service]; ok {
		u.User = url.UserPassword(service, password)
	}
	return u.String()
}

// StoreLimit is how many bytes the store may grow to. The streams' own limits must sum to less.
func (s *Server) StoreLimit() int64 { return s.limit }

// Healthy returns what is wrong with the server, nil if nothing. JetStream that stopped itself, for
// example on a full disk, does not come back until the server restarts.
func (s *Server) Healthy() error {
	if !s.ns.Running() {
		return errors.New("nats: the server is not running")
	}
	w := httptest.NewRecorder()
	s.ns.HandleHealthz(w, httptest.NewRequest(http.MethodGet, "/healthz", nil))
	if w.Code != http.StatusOK {
		return fmt.Errorf("nats: the server is not healthy: %s", w.Body)
	}
	return nil
}

// Stop ends all connections, writes what is left and stops. Calling it again does nothing.
func (s *Server) Stop() {
	s.ns.Shutdown()
	s.ns.WaitForShutdown()
}
