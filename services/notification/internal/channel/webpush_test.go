package channel

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/notification/internal/store"
)

func unraw(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// RFC 8291, section 5 and appendix A.
func TestAMessageIsSealedAsTheStandardsExample(t *testing.T) {
	own, err := ecdh.P256().NewPrivateKey(unraw(t, "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := sealedWith(own, unraw(t, "DGv6ra1nlYgDCS1FRnbzlw"), []byte("When I grow up, I want to be a watermelon"),
		unraw(t, "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"), unraw(t, "BTBZMqHH6r4Tts7J_aSIgg"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
	if s := raw(got); s != want {
		t.Errorf("sealed as\n%s, want\n%s", s, want)
	}
	if _, err := sealed(make([]byte, 4096), unraw(t, "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"), make([]byte, 16)); err == nil {
		t.Error("a message that no push service has to take was sealed")
	}
}

func TestAPushServiceLearnsWhoSendsAndNobodyElseCanUseIt(t *testing.T) {
	private := NewPushKey()
	to, now := &url.URL{Scheme: "https", Host: "push.example", Path: "/secret"}, time.Now()
	header, err := vapid(private, to, "mailto:ops@example.org", now)
	if err != nil {
		t.Fatal(err)
	}
	rest, ok := strings.CutPrefix(header, "vapid t=")
	token, key, both := strings.Cut(rest, ", k=")
	public, err := PublicPushKey(private)
	if !ok || !both || err != nil || key != public {
		t.Fatalf("%s with key %s, %v", header, public, err)
	}
	parts := strings.Split(token, ".")
	var claims struct {
		Aud, Sub string
		Exp      int64
	}
	if err := json.Unmarshal(unraw(t, parts[1]), &claims); err != nil || claims.Aud != "https://push.example" || claims.Sub != "mailto:ops@example.org" || claims.Exp > now.Add(24*time.Hour).Unix() {
		t.Errorf("claims %+v, %v", claims, err)
	}
	if strings.Contains(token, raw([]byte("secret"))) {
		t.Error("the token names the device's address")
	}
	point, signature, sum := unraw(t, key), unraw(t, parts[2]), sha256.Sum256([]byte(parts[0]+"."+parts[1]))
	known, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		t.Fatal(err)
	}
	if len(signature) != 64 || !ecdsa.Verify(known, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		t.Error("the signature does not hold")
	}
}

func TestWhatADeviceIsToldNamesNobody(t *testing.T) {
	p := &store.Parcel{Alert: events.NewID(), Encounter: events.NewID(), Facility: "MERCY", Recipient: "ann", State: "raised", First: true}
	for _, c := range []struct {
		state string
		first bool
		title string
		again bool
	}{{"raised", true, "Urgent: open handoff", true}, {"raised", false, "Urgent: open handoff", true}, {"resolved", false, "Seen to", false}, {"acknowledged", false, "Seen to", false}} {
		p.State, p.First = c.state, c.first
		text, err := json.Marshal(words(p))
		if err != nil {
			t.Fatal(err)
		}
		var said map[string]any
		if err := json.Unmarshal(text, &said); err != nil || said["title"] != c.title || said["again"] != c.again || said["url"] != "/alerts#a-"+p.Alert.String() {
			t.Errorf("%s, first %v: %s", c.state, c.first, text)
		}
		for _, about := range []string{"MERCY", "ann", p.Encounter.String()} {
			if strings.Contains(string(text), about) {
				t.Errorf("a device is told of %s: %s", about, text)
			}
		}
	}
}

func TestOnlyPublicHTTPSAddressesAreTaken(t *testing.T) {
	for endpoint, want := range map[string]bool{
		"https://fcm.googleapis.com/fcm/send/abc": true, "https://updates.push.services.mozilla.com/wpush/v2/x": true,
		"http://fcm.googleapis.com/x": false, "https://me:secret@push.example/x": false, "ftp://push.example/x": false, "/x": false, "": false,
	} {
		if err := CheckPush(endpoint); (err == nil) != want {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
	if _, err := DeviceKeys(raw(make([]byte, 65)), raw(make([]byte, 16))); err == nil {
		t.Error("a key that is no point was taken")
	}
	public, err := PublicPushKey(NewPushKey())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := DeviceKeys(public, raw(make([]byte, 15))); err == nil {
		t.Error("a secret that is too short was taken")
	}
	if d, err := DeviceKeys(public+"=", raw(make([]byte, 16))+"=="); err != nil || len(d.P256dh) != 65 {
		t.Errorf("keys as some browsers pad them: %v", err)
	}
}
