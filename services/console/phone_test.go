package console

import (
	"strings"
	"testing"
	"time"

	permission "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/serviceworker"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// small lists what a finger would miss: what can be pressed and is less than 44 px high or wide. A link in
// the middle of a sentence is as high as its line; a box counts with the label around it.
const small = `[...document.querySelectorAll("a[href], button, summary, select, textarea, input:not([type=hidden]), [role=button], [role=switch]")].flatMap((el) => {
	if (!el.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || el.closest(".skip, .quietly")) return []
	const sentence = el.matches("a") && getComputedStyle(el).display === "inline" && [...el.parentElement.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim().length > 1)
	const box = (el.closest("label") ?? el).getBoundingClientRect()
	return sentence || box.width === 0 || (box.height >= 43.5 && box.width >= 43.5) ? [] : [Math.round(box.width) + "x" + Math.round(box.height) + " " + el.outerHTML.slice(0, 110)]
})`

func TestEverythingCanBePressedWithAThumb(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: 90 * time.Minute, medicines: -time.Hour})
	s.told(st)
	b := s.browse(390, 844, false)
	b.signIn("lea")
	for _, path := range []string{"/", "/?group=patient", "/episodes/" + st.encounter.ID.String(), "/alerts", "/referrals", "/census", "/huddle", "/handover", "/phone"} {
		b.visit(path)
		b.until(`document.readyState === "complete" && document.querySelector("main h1")`)
		for _, el := range js[[]string](b, small) {
			t.Errorf("%s: %s", path, el)
		}
	}
	b.visit("/")
	b.live()
	for _, key := range []string{"d", "s", "a"} {
		b.click("#t-" + st.tasks[0].ID.String() + ` [data-key="` + key + `"]`)
		b.until(`document.querySelector("#sheet").open`)
		for _, el := range js[[]string](b, small) {
			t.Errorf("the form under %s: %s", key, el)
		}
		b.click("#sheet .close button")
		b.until(`!document.querySelector("#sheet").open`)
	}
}

// subscribed makes the browser's push service one that needs no network: the browser asks for a subscription,
// and gets one.
const subscribed = `(() => {
	let made = null
	PushManager.prototype.subscribe = async function (o) {
		window.asked = { visible: o.userVisibleOnly, key: typeof o.applicationServerKey === "string" ? o.applicationServerKey : "bytes" }
		return made = { endpoint: "https://push.example/phone-1", unsubscribe: async () => { made = null; window.ended = true; return true },
			toJSON: () => ({ endpoint: "https://push.example/phone-1", keys: { p256dh: "x", auth: "y" } }) }
	}
	PushManager.prototype.getSubscription = async () => made
})()`

func TestAPhoneTellsWhatIsUrgentToWhoeverAsked(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: time.Hour})
	alert := s.told(st)
	b := s.browse(390, 844, false)
	b.signIn("dana")
	b.worker()
	b.visit("/phone")
	b.until(`document.querySelector("#tell").getAttribute("aria-checked") === "false" && !document.querySelector("#tell").disabled`)
	b.accessible("this phone")
	js[chromedp.Void](b, subscribed+`; Notification.requestPermission = async () => { window.prompted = (window.prompted ?? 0) + 1; return "granted" }`)
	if js[bool](b, `window.prompted !== undefined`) {
		t.Error("the browser asked before anybody pressed")
	}
	b.click("#tell")
	b.until(`document.querySelector("#tell").getAttribute("aria-checked") === "true" && document.querySelector("#tell-says").innerText.startsWith("On.")`)
	b.shot("phone-on")
	if got := s.peers.devicesOf("dana"); len(got) != 1 || got[0] != "https://push.example/phone-1" {
		t.Errorf("notification knows %v", got)
	}
	if !js[bool](b, `window.prompted === 1 && window.asked.visible === true && window.asked.key.length === 87`) {
		t.Error("the browser was not asked as it has to be")
	}
	b.pushed(`{"id":"` + alert.ID.String() + `","title":"Urgent: open handoff","body":"Something needs you now.","url":"/alerts#a-` + alert.ID.String() + `","again":true}`)
	b.click("#tell")
	b.until(`document.querySelector("#tell").getAttribute("aria-checked") === "false" && window.ended`)
	if got := s.peers.devicesOf("dana"); len(got) != 0 {
		t.Errorf("notification still knows %v", got)
	}
	b.click("#tell")
	b.until(`document.querySelector("#tell").getAttribute("aria-checked") === "true"`)
	b.click(".me form button") // signing out ends it as well
	b.until(`location.pathname === "/login"`)
	if got := s.peers.devicesOf("dana"); len(got) != 0 {
		t.Errorf("after signing out notification still knows %v", got)
	}
}

// pushed has the browser deliver a push to the console's service worker, and waits for what it shows.
func (b *tab) pushed(text string) {
	b.t.Helper()
	self, err := chromedp.Call(b.ctx, target.GetTargetInfo, target.GetTargetInfoParams{})
	b.must(err)
	_, err = chromedp.Call(b.ctx, permission.SetPermission, permission.SetPermissionParams{
		Permission: &permission.PermissionDescriptor{Name: "notifications"}, Setting: permission.PermissionSettingGranted, Origin: b.s.url, BrowserContextID: self.TargetInfo.BrowserContextID,
	})
	b.must(err)
	id := make(chan serviceworker.RegistrationID, 16)
	b.must(chromedp.Listen(b.ctx, func(ev any) {
		if e, ok := ev.(*serviceworker.EventWorkerRegistrationUpdated); ok {
			for _, r := range e.Registrations {
				if strings.HasPrefix(r.ScopeURL, b.s.url) && !r.IsDeleted {
					select {
					case id <- r.RegistrationID:
					default:
					}
				}
			}
		}
	}))
	_, err = chromedp.Call(b.ctx, serviceworker.Enable, cdp.Empty{})
	b.must(err)
	var registration serviceworker.RegistrationID
	select {
	case registration = <-id:
	case <-time.After(patience):
		b.t.Fatal("the browser names no service worker")
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late, next := time.After(patience), time.Now()
	for shown := 0; shown != 1; {
		// A push that meets a worker on its way to sleep is lost here; a push service would send it again. What has
		// the same id is shown once.
		if !time.Now().Before(next) {
			next = time.Now().Add(5 * time.Second)
			_, err = chromedp.Call(b.ctx, serviceworker.DeliverPushMessage, serviceworker.DeliverPushMessageParams{Origin: b.s.url, RegistrationID: registration, Data: text})
			b.must(err)
		}
		select {
		case <-tick.C:
			shown = js[int](b, `navigator.serviceWorker.ready.then(r => r.getNotifications()).then(l => (window.shown = l.map(n => [n.title, n.body, n.data?.url].join("|"))).length)`)
		case <-late:
			b.t.Fatalf("the phone shows %d messages", shown)
		}
	}
	if got := js[string](b, `window.shown[0]`); !strings.HasPrefix(got, "Urgent: open handoff|Something needs you now.|"+b.s.url+"/alerts#a-") || strings.Contains(got, "Santos") {
		b.t.Errorf("the phone shows %s", got)
	}
}
