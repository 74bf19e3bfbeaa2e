package system

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/handoff-care/handoff/pkg/postgres/private"
)

const database = "postgres"

// apart prepares NATS and the services' processes. Their addresses are fixed here, so that a
// process that is started again is where it was.
func (s *System) apart(o Options) error {
	replicas := max(o.Replicas, 1)
	addr, err := freePorts(1 + len(Services)*replicas + replicas)
	if err != nil {
		return err
	}
	next := func() (a string) { a, addr = addr[0], addr[1:]; return a }
	s.NATS = s.process("nats", "handoff", "nats", "--data", s.Data, "--listen", next())
	s.NATS.up = s.natsReady
	var peers []string
	for _, service := range Services {
		for n := range replicas {
			name := service
			if n > 0 {
				name = fmt.Sprintf("%s-%d", service, n+1)
			}
			p := s.process(name, service)
			http := next()
			p.HTTP = "http://" + http
			p.args = []string{"--dev", "--data", s.Data, "--http", http}
			if service == "admission" {
				p.MLLP = next()
				p.args = append(p.args, "--mllp", p.MLLP)
			}
			if n == 0 {
				peers = append(peers, "--peer", service+"="+p.HTTP)
			}
			p.up = readiness(p.HTTP)
			s.Processes = append(s.Processes, p)
		}
	}
	console := s.API("console")[0]
	for _, p := range s.Processes {
		p.args = append(append(append(p.args, peers...), "--public-url", console), o.Flags...)
	}
	return nil
}

// startBase starts what the services stand on, and tells them where it is.
func (s *System) startBase(ctx context.Context) error {
	if err := s.StartPostgres(ctx); err != nil {
		return err
	}
	if err := s.NATS.Start(ctx); err != nil {
		return err
	}
	users, err := s.natsUsers()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users = users
	url := s.postgres.URL("postgres", database)
	for _, p := range s.Processes {
		service, _, _ := strings.Cut(p.Name, "-")
		p.env = []string{"HANDOFF_DATABASE_URL=" + url, "HANDOFF_NATS_URL=" + users[service]}
	}
	return nil
}

// StartPostgres starts PostgreSQL, if it does not run. Apart only.
func (s *System) StartPostgres(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.postgres != nil {
		return nil
	}
	server, err := private.Start(ctx, private.Options{Dir: filepath.Join(s.Data, "postgres"), Settings: s.settings, NoInstall: true})
	if err != nil {
		return err
	}
	s.postgres = server
	return nil
}

// KillPostgres stops PostgreSQL as `pg_ctl stop -m immediate` does. It reports whether it ran.
func (s *System) KillPostgres() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.postgres == nil {
		return false
	}
	s.postgres.Kill()
	s.postgres = nil
	return true
}

// NATSURL is where the user of a service connects. Apart only.
func (s *System) NATSURL(service string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.users[service]
}

// DatabaseURL is the superuser's way into the database, past all policies: to look for what should
// not be there.
func (s *System) DatabaseURL() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.postgres != nil {
		return s.postgres.URL("postgres", database), nil
	}
	files, err := filepath.Glob(filepath.Join(s.Data, "postgres", "pg*", "postmaster.pid"))
	if err != nil || len(files) != 1 {
		return "", errors.Join(err, errors.New("no PostgreSQL runs below "+s.Data))
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		return "", err
	}
	lines := strings.Split(string(text), "\n") // pid, data, start time, port, socket directory
	if len(lines) < 5 {
		return "", fmt.Errorf("%s is not what PostgreSQL writes", files[0])
	}
	return fmt.Sprintf("postgres://postgres@/%s?host=%s&port=%s&sslmode=disable", database, lines[4], lines[3]), nil
}

// natsReady: the server takes connections, and has said so since it was started.
func (s *System) natsReady(ctx context.Context) error {
	listen := s.NATS.args[len(s.NATS.args)-1]
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	_ = conn.Close()
	users, err := s.natsUsers()
	if err == nil && len(users) == 0 {
		err = errors.New("it has not told its users' addresses")
	}
	return err
}

// natsUsers reads the address of each service's user from what `handoff nats` printed.
func (s *System) natsUsers() (map[string]string, error) {
	f, err := os.Open(s.NATS.Log)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	users := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, url, ok := strings.Cut(lines.Text(), " nats://"); ok {
			users[name] = "nats://" + url
		}
	}
	return users, nil
}
