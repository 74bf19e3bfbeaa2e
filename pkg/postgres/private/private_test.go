package private

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestMain lets the test binary stand in for a program that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("PRIVATE_TEST_START"); dir != "" {
		s, err := Start(context.Background(), Options{Dir: dir})
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		fmt.Println(s.proc.Pid)
		_, _ = io.Copy(io.Discard, os.Stdin) // until killed
	}
	code := m.Run()
	if made != "" {
		_ = os.RemoveAll(made)
	}
	os.Exit(code)
}

// made holds a data directory as initdb leaves it; tests start from a copy.
var made string

func template(t *testing.T) string {
	t.Helper()
	if made != "" {
		return made
	}
	dir, err := os.MkdirTemp("", "private-test-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	s, err := Start(deadline(t), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(deadline(t)); err != nil {
		t.Fatal(err)
	}
	made = dir
	return made
}

// folder is a data directory in a folder that the server's user can enter, unlike
// t.TempDir of root.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "private-test-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	data := filepath.Join(dir, "postgres")
	if out, err := exec.Command("cp", "-a", template(t), data).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return data
}

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func start(t *testing.T, dir string) *Server {
	t.Helper()
	s, err := Start(deadline(t), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

// ask runs the statements of sql and returns the last one's one value.
func ask(t *testing.T, s *Server, sql ...string) (answer string) {
	t.Helper()
	ctx := deadline(t)
	conn, err := pgx.Connect(ctx, s.URL("postgres", "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	last := len(sql) - 1
	for _, statement := range sql[:last] {
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.QueryRow(ctx, sql[last]).Scan(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestCommittedRowsOutliveStopAndKill(t *testing.T) {
	dir := folder(t)
	s := start(t, dir)
	url := s.URL("postgres", "postgres")
	ask(t, s, "create table kept as select 'first'::text as what", "select what from kept")
	if err := s.Stop(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := pgx.Connect(deadline(t), url); err == nil {
		t.Fatal("the server answers after Stop")
	}
	s = start(t, dir)
	ask(t, s, "update kept set what = 'second'", "select what from kept")
	s.Kill()
	if err := s.Err(); err != nil {
		t.Errorf("Kill is reported as a fault: %v", err)
	}
	s = start(t, dir)
	if got := ask(t, s, "select what from kept"); got != "second" {
		t.Errorf("after Kill: %q, want the committed second", got)
	}
	if s.URL("postgres", "postgres") != url {
		t.Errorf("the url changed over restarts: %s, then %s", url, s.URL("postgres", "postgres"))
	}
}

func TestServerIsDurableAndPrivate(t *testing.T) {
	s := start(t, folder(t))
	for setting, want := range map[string]string{
		"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "listen_addresses": "",
		"data_checksums": "on", "server_encoding": "UTF8", "lc_collate": "C", "TimeZone": "UTC",
	} {
		if got := ask(t, s, "select coalesce(current_setting('"+setting+"', true), (select datcollate from pg_database where datname = 'postgres'))"); got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
	if got := ask(t, s, "select lower('ÉLODIE')"); got != "élodie" {
		t.Errorf("lower('ÉLODIE') is %q: letters beyond ASCII have no case", got)
	}
	info, err := os.Stat(s.socket)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the socket's directory has mode %v, want 0700", info.Mode().Perm())
	}
	if n := len(filepath.Join(s.socket, ".s.PGSQL.5432")); n > 100 {
		t.Errorf("the socket's path has %d bytes; a socket's address has room for 104", n)
	}
}

func TestStatementsDoNotReachTheLog(t *testing.T) {
	s := start(t, folder(t))
	conn, err := pgx.Connect(deadline(t), s.URL("postgres", "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, sql := range []string{
		"create table patient (mrn text primary key); insert into patient values ('CANARY')",
		"insert into patient values ('CANARY')",
		"select 'CANARY'::uuid",
	} {
		_, _ = conn.Exec(deadline(t), sql)
	}
	if err := s.Stop(deadline(t)); err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(s.log)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(log), "database system is ready") {
		t.Errorf("the log does not tell of the server:\n%s", log)
	}
	if strings.Contains(string(log), "CANARY") {
		t.Errorf("the log quotes a row:\n%s", log)
	}
}

func TestSecondStartSaysThatTheDirectoryIsInUse(t *testing.T) {
	dir := folder(t)
	s := start(t, dir)
	_, err := Start(deadline(t), Options{Dir: dir})
	if !errors.Is(err, ErrRunning) {
		t.Fatalf("second start: %v, want ErrRunning", err)
	}
	if want := fmt.Sprintf("process %d ", os.Getpid()); !strings.Contains(err.Error(), want) {
		t.Errorf("%q does not name %q", err, want)
	}
	ask(t, s, "select 'still here'")
}

func TestServerThatDiesIsReported(t *testing.T) {
	s := start(t, folder(t))
	if err := s.Err(); err != nil {
		t.Fatalf("while it runs: %v", err)
	}
	if err := syscall.Kill(s.proc.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("Done is not closed")
	}
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "ended by itself (signal: killed)") {
		t.Errorf("Err says %v", err)
	}
}

func TestServerOfAKilledProgramEnds(t *testing.T) {
	dir := folder(t)
	program := exec.Command(os.Args[0])
	program.Env = append(os.Environ(), "PRIVATE_TEST_START="+dir)
	hold, err := program.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	out, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	var pid int
	if _, err := fmt.Sscan(line, &pid); err != nil {
		t.Fatalf("the program says %q", line)
	}
	if err := program.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = program.Wait()
	s := start(t, dir) // on Linux it is ending by now; elsewhere this stops it
	if alive(pid) && isServer(pid, s.data) {
		t.Errorf("the old server, process %d, still runs beside the new one", pid)
	}
	ask(t, s, "select 'here'")
}

func TestOrphanIsStoppedByTheNextStart(t *testing.T) {
	dir := folder(t)
	s := start(t, dir)
	if err := s.Stop(deadline(t)); err != nil {
		t.Fatal(err)
	}
	// The same server again, without a parent that cares.
	who, err := runAs()
	if err != nil {
		t.Fatal(err)
	}
	bin, err := findBinaries(deadline(t), dir, who, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s.socket, err = who.socketDir(s.data); err != nil {
		t.Fatal(err)
	}
	orphan := exec.Command(bin.path("postgres"), "-D", s.data, "-c", "listen_addresses=", "-c", "unix_socket_directories="+s.socket)
	orphan.Dir, orphan.SysProcAttr = s.data, who.attr()
	if err := orphan.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- orphan.Wait() }()
	for ready := false; !ready; {
		pid, status := readPidFile(s.data)
		ready = pid == orphan.Process.Pid && status == "ready"
		if deadline(t).Err() != nil {
			t.Fatal("the orphan does not start")
		}
	}
	again := start(t, dir)
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the orphan did not end in good order: %v", err)
		}
	case <-deadline(t).Done():
		t.Error("the orphan still runs")
	}
	ask(t, again, "select 'here'")
}

func TestStalePidFileOfAnotherProgramIsNoObstacle(t *testing.T) {
	dir := folder(t)
	s := start(t, dir)
	if err := s.proc.Kill(); err != nil { // leaves its pid file
		t.Fatal(err)
	}
	<-s.Done()
	path := filepath.Join(s.data, "postmaster.pid")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n")
	bystander := exec.Command("sleep", "60")
	who, err := runAs()
	if err != nil {
		t.Fatal(err)
	}
	bystander.SysProcAttr = who.attr()
	if err := bystander.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bystander.Process.Kill(); _ = bystander.Wait() }()
	if err := os.WriteFile(path, []byte(fmt.Sprintf("%d\n%s", bystander.Process.Pid, rest)), 0o600); err != nil {
		t.Fatal(err)
	}
	ask(t, start(t, dir), "select 'here'")
	if err := bystander.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the bystander was hurt: %v", err)
	}
}

func TestDataLeavesAFolderOnlyRootCanEnter(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "postgres") // root's temporary folder is closed to others
	s := start(t, dir)
	want := dir // this user's own server stays where it was told
	if who, _ := runAs(); who.other {
		want = "/var/tmp"
		t.Cleanup(func() { _ = os.RemoveAll(filepath.Dir(s.data)) })
	}
	if !strings.HasPrefix(s.data, want) {
		t.Errorf("the data is in %s, want it below %s", s.data, want)
	}
	ask(t, s, "create table kept as select 'kept'::text as what", "select what from kept")
	s.Kill()
	if got := ask(t, start(t, dir), "select what from kept"); got != "kept" {
		t.Errorf("the next start finds %q", got)
	}
}

func TestDataStaysWithItsUser(t *testing.T) {
	dir := folder(t)
	s := start(t, dir)
	s.Kill()
	who, err := runAs()
	if err != nil {
		t.Fatal(err)
	}
	if who.other { // made when there was no user postgres yet
		who.uid, who.gid = 65534, 65534
		if out, err := exec.Command("chown", "-R", "65534:65534", s.data).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	ask(t, start(t, dir), "select 'here'")
	if !ownedBy(filepath.Join(s.data, "postmaster.pid"), who.uid) {
		t.Errorf("the server does not run as the data's user, %d", who.uid)
	}
}

func TestStopWithoutTimeStopsAtOnce(t *testing.T) {
	s := start(t, folder(t))
	over, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Stop(over); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("Stop: %v", err)
	}
	select {
	case <-s.Done():
	default:
		t.Error("Stop returned, and the server runs")
	}
}
