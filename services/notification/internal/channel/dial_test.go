package channel

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

func TestTheGuardRefusesWhatIsNotPublic(t *testing.T) {
	allow, err := Allowed([]string{"10.1.0.0/16", "fd00:1::/32"})
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{
		"8.8.8.8:443":                  true,
		"[2606:4700:4700::1111]:443":   true,
		"10.1.2.3:443":                 true, // allow-listed
		"10.1.2.3:8443":                true, // and there on any port
		"[fd00:1::5]:443":              true,
		"[::ffff:10.1.2.3]:443":        true,
		"8.8.8.8:80":                   false,
		"8.8.8.8:8443":                 false,
		"127.0.0.1:443":                false,
		"127.8.9.1:443":                false,
		"0.0.0.0:443":                  false,
		"0.1.2.3:443":                  false,
		"10.0.0.1:443":                 false,
		"10.2.0.1:443":                 false,
		"172.16.5.5:443":               false,
		"192.168.1.1:443":              false,
		"169.254.169.254:443":          false, // cloud metadata
		"100.64.0.1:443":               false, // carrier-grade NAT
		"100.127.255.254:443":          false,
		"192.0.0.8:443":                false,
		"192.0.2.1:443":                false,
		"198.18.0.1:443":               false,
		"224.0.0.1:443":                false,
		"255.255.255.255:443":          false,
		"240.0.0.1:443":                false,
		"[::]:443":                     false,
		"[::1]:443":                    false,
		"[::ffff:127.0.0.1]:443":       false,
		"[::ffff:169.254.169.254]:443": false,
		"[::127.0.0.1]:443":            false, // IPv4-compatible
		"[fe80::1%eth0]:443":           false,
		"[fc00::1]:443":                false,
		"[fd12:3456::1]:443":           false,
		"[ff02::1]:443":                false,
		"[fec0::1]:443":                false,
		"[64:ff9b::7f00:1]:443":        false, // NAT64 of 127.0.0.1
		"[64:ff9b:1::1]:443":           false,
		"[2002:7f00:1::]:443":          false, // 6to4 of 127.0.0.1
		"[2001::1]:443":                false, // Teredo
		"[2001:db8::1]:443":            false,
		"[100::1]:443":                 false,
		"example.org:443":              false, // a name is never dialled unresolved
		"nonsense":                     false,
	} {
		if err := (guarded{allow: allow}).check(address); (err == nil) != want || err != nil && !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v, want allowed %v", address, err, want)
		}
	}
	for address, want := range map[string]bool{"8.8.8.8:443": false, "8.8.8.8:80": false, "10.1.2.3:80": true} {
		if err := (guarded{allow: allow, plain: true}).check(address); (err == nil) != want {
			t.Errorf("plain http to %s: %v, want allowed %v", address, err, want)
		}
	}
	if _, err := Allowed([]string{"10.1.2.3"}); err == nil {
		t.Error("an address that is no network was taken for one")
	}
}

// The test vector that the Standard Webhooks reference libraries publish.
func TestSigningMatchesThePublishedVector(t *testing.T) {
	h := http.Header{}
	at := time.Unix(1614265330, 0)
	if err := sign(h, "msg_p5jXN8AQM9LWM0D4loKWxJek", []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", NewSecret()}, at, []byte(`{"test": 2432232314}`)); err != nil {
		t.Fatal(err)
	}
	const want = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	got := h.Get("webhook-signature")
	if len(got) != 2*len(want)+1 || got[:len(want)] != want || got[len(want)] != ' ' {
		t.Errorf("signature %q, want %q and that of the second secret", got, want)
	}
	if h.Get("webhook-id") != "msg_p5jXN8AQM9LWM0D4loKWxJek" || h.Get("webhook-timestamp") != "1614265330" {
		t.Errorf("headers %v", h)
	}
	if err := sign(http.Header{}, "x", nil, at, nil); err == nil {
		t.Error("signed without a secret")
	}
}

func TestTheScheduleEndsInFailureAfterThreeDays(t *testing.T) {
	p := &Post{Schedule: Schedule}
	var total time.Duration
	attempts := 1
	for ; ; attempts++ {
		state, wait := p.again(attempts, 0)
		if state == Failed {
			break
		}
		if least := Schedule[attempts-1]; wait < least || wait > least+least/10+1 {
			t.Errorf("after try %d: %v, want %v and up to a tenth more", attempts, wait, least)
		}
		total += wait
	}
	if attempts != 10 || total < 75*time.Hour {
		t.Errorf("%d tries over %v", attempts, total)
	}
	if _, wait := p.again(1, time.Hour); wait != time.Hour {
		t.Errorf("Retry-After of an hour: %v", wait)
	}
	if _, wait := p.again(1, 1000*time.Hour); wait != 24*time.Hour {
		t.Errorf("Retry-After of a thousand hours: %v", wait)
	}
}
