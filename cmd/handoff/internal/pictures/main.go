// Command pictures takes the pictures of the README: it signs in to the handoff that runs here as a
// liaison, waits for work to appear, and photographs what she sees.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/handoff-care/handoff/cmd/handoff/internal/instance"
)

const (
	width, height = 1360, 860
	patience      = time.Minute
)

func main() {
	data := flag.String("data", "./.handoff", "data directory of the running instance")
	out := flag.String("out", "docs/images", "folder to write to")
	who := flag.String("as", "maria.santos", "persona to sign in as")
	flag.Parse()
	if err := take(*data, *out, *who); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func take(data, out, who string) error {
	info, running, err := instance.Read(data)
	if err != nil || !running {
		return errors.Join(err, errors.New("nothing runs here: make run first, in another terminal"))
	}
	browser, err := chromium()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.WindowSize(width, height))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), options...)
	defer stop()
	tab, end := chromedp.NewContext(alloc)
	defer end()
	// The browser lives as long as the context of the first run, so that one has no deadline.
	if err := chromedp.Do(tab, chromedp.Navigate(info.HTTP+"/")); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(tab, patience)
	defer cancel()
	persona := chromedp.CSS(fmt.Sprintf("a[id=%q]", who))
	if err := chromedp.Do(ctx,
		chromedp.WaitVisible(chromedp.CSS("#sign-in")), chromedp.Click(chromedp.CSS("#sign-in")),
		chromedp.WaitVisible(persona), chromedp.Click(persona),
		chromedp.WaitVisible(chromedp.CSS("#rows .row:nth-child(6)")),
		chromedp.WaitVisible(chromedp.CSS(`#live[data-state="on"]`)),
	); err != nil {
		return fmt.Errorf("no work on the liaison's list: %w", err)
	}
	for name, scheme := range map[string]string{"worklist.png": "light", "worklist-dark.png": "dark"} {
		if err := photograph(ctx, scheme, filepath.Join(out, name)); err != nil {
			return err
		}
	}
	if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS("#rows .row:nth-child(2) .who a")), chromedp.WaitVisible(chromedp.CSS("#episode"))); err != nil {
		return fmt.Errorf("no journey: %w", err)
	}
	if err := photograph(ctx, "light", filepath.Join(out, "journey.png")); err != nil {
		return err
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(info.HTTP+"/alerts"), chromedp.WaitVisible(chromedp.CSS(`#live[data-state="on"]`))); err != nil {
		return fmt.Errorf("no alerts: %w", err)
	}
	if err := photograph(ctx, "light", filepath.Join(out, "alerts.png")); err != nil {
		return err
	}
	phone := emulation.SetDeviceMetricsOverrideParams{Width: 390, Height: 844, DeviceScaleFactor: 1, Mobile: true}
	if _, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, phone); err != nil {
		return err
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(info.HTTP+"/"), chromedp.WaitVisible(chromedp.CSS(`#live[data-state="on"]`))); err != nil {
		return fmt.Errorf("no list on a phone: %w", err)
	}
	return photograph(ctx, "light", filepath.Join(out, "phone.png"))
}

func photograph(ctx context.Context, scheme, path string) error {
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
		return err
	}
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return err
	}
	fmt.Println(path)
	return os.WriteFile(path, picture, 0o644)
}

func chromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no Chromium in PATH: apt-get install -y chromium")
}
