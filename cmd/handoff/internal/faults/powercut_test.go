package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/story/system"
)

// TestPowerCut cuts the power of the machine that PostgreSQL and JetStream run on, under load, and
// shows that nothing is missing of what was acknowledged.
func TestPowerCut(t *testing.T) {
	if os.Getenv("POWERCUT") == "" {
		t.Log("no power cut was asked for: it needs root and loop devices; POWERCUT=1 does it")
		return
	}
	t.Run("just-after-the-first-start", func(t *testing.T) { powerCut(t, func(*disk) {}) })
	t.Run("after-a-while", func(t *testing.T) {
		// By then everything that was written at the start is on the disk.
		powerCut(t, func(d *disk) { d.must(t, "sync", "--file-system", d.mount) })
	})
}

func powerCut(t *testing.T, started func(*disk)) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	disk := newDisk(t)
	data := filepath.Join(disk.mount, "data")
	r := begin(t, ctx, system.Options{Mode: system.Apart, Dir: system.TempDir(t), Data: data}, 3, 0)
	started(disk)
	r.await(ctx, r.audit.Ledger.Figures().Stays+300)
	disk.forgetful(t)
	if err := r.sys.Freeze(); err != nil {
		t.Fatal(err)
	}
	before := r.audit.Ledger.Figures()
	copied := disk.copy(t)
	r.sys.Destroy()
	disk.swap(t, copied)
	disk.forgot(t)
	if err := r.sys.Start(ctx); err != nil {
		t.Fatal(err)
	}
	back := time.Now()
	r.await(ctx, r.audit.Ledger.Figures().Stays+50)
	r.finish()
	took := r.settle(ctx, time.Minute)
	t.Logf("when the power was cut: %d messages sent, %d acknowledged, %d in doubt", before.Messages, before.Accepted, before.Messages-before.Accepted)
	t.Log(r.figures())
	t.Logf("everything was as the ledger says %s after the start on what the disk had kept (the last look took %s)", time.Since(back).Round(time.Millisecond), took.Round(time.Millisecond))
}

// await waits until the load has begun n stays.
func (r *run) await(ctx context.Context, n int) {
	r.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for r.audit.Ledger.Figures().Stays < n {
		select {
		case <-ctx.Done():
			r.Fatalf("the load has begun %d stays, want %d", r.audit.Ledger.Figures().Stays, n)
		case <-tick.C:
		}
	}
}

// disk is a file system in an image file.
type disk struct {
	dir, image, mount string
	device            string
}

// unsynced is a file whose content nobody syncs: after the cut it must be gone, or what was cut was
// not the power.
const unsynced = "unsynced"

// diskSize leaves room for what the streams reserve: five of 1 GiB, and as much again for the record.
// The image is sparse.
const diskSize = 12 << 30

// newDisk makes and mounts one. commit=600: metadata is committed when somebody syncs, not by the clock.
func newDisk(t *testing.T) *disk {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("a power cut needs root, to mount a file system of its own")
	}
	dir := system.TempDir(t)
	d := &disk{dir: dir, image: filepath.Join(dir, "disk.img"), mount: filepath.Join(dir, "disk")}
	if err := os.Mkdir(d.mount, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(d.image)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(diskSize), f.Close()); err != nil {
		t.Fatal(err)
	}
	d.must(t, "mkfs.ext4", "-q", "-N", "65536", "-J", "size=64", "-E", "lazy_itable_init=0,lazy_journal_init=0", d.image)
	d.attach(t)
	t.Cleanup(func() { d.detach(t) })
	return d
}

func (d *disk) must(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("this machine does not allow a power cut to be simulated: %s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (d *disk) attach(t *testing.T) {
	t.Helper()
	d.device = d.must(t, "losetup", "--find", "--show", d.image)
	d.must(t, "mount", "-o", "commit=600", d.device, d.mount)
}

func (d *disk) detach(t *testing.T) {
	t.Helper()
	if d.device == "" {
		return
	}
	// PostgreSQL's last children may still be letting go.
	for attempt := 0; exec.Command("umount", d.mount).Run() != nil; attempt++ {
		if attempt == 100 {
			t.Fatalf("%s cannot be unmounted: %s", d.mount, d.must(t, "fuser", "--verbose", "--mount", d.mount))
		}
		if err := wait(context.Background(), 50*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	d.must(t, "losetup", "--detach", d.device)
	d.device = ""
}

// forgetful writes what a power cut must lose.
func (d *disk) forgetful(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(d.mount, unsynced), bytes.Repeat([]byte("lost"), 4096), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (d *disk) forgot(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(d.mount, unsynced))
	if err == nil && len(text) > 0 {
		t.Fatalf("%d bytes that nobody synced are still there: this was no power cut", len(text))
	}
}

// copy takes the image as it is now: what was written to the device, and nothing that is still in the
// file system's memory.
func (d *disk) copy(t *testing.T) string {
	t.Helper()
	start := time.Now()
	copied := filepath.Join(d.dir, "after.img")
	d.must(t, "cp", "--sparse=always", "--reflink=auto", d.image, copied)
	t.Logf("the image was copied in %s", time.Since(start).Round(time.Millisecond))
	return copied
}

// swap mounts the copy where the original was.
func (d *disk) swap(t *testing.T, copied string) {
	t.Helper()
	d.detach(t)
	d.image = copied
	d.attach(t)
	d.must(t, "sh", "-c", fmt.Sprintf("test -d %q", filepath.Join(d.mount, "data")))
}
