package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"

	"github.com/a-h/templ"

	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/services/console/internal/page"
)

// shell is what the service worker is told before its own text.
type shell struct {
	Version string   `json:"version"`
	Files   []string `json:"files"`
	Words   string   `json:"words"`
	Vault   string   `json:"vault"`
	Icon    string   `json:"icon"`
	Badge   string   `json:"badge"`
	Policy  string   `json:"policy"`
}

// worker serves the service worker. Its text names the files of this console by their content, so that a
// device has a new one as soon as any of them changes.
func (c *Console) worker() http.HandlerFunc {
	s := shell{
		Files: append(page.Shell(), "/offline", "/offline/sheets"), Words: page.Asset("words.js"), Vault: page.Asset("vault.js"), Icon: page.Asset("icon-192.png"),
		Badge: page.Asset("icon-badge.png"), Policy: policy,
	}
	h := sha256.New()
	_ = json.NewEncoder(h).Encode(s) // plain values into a hash: cannot fail
	h.Write(page.Worker())
	for _, kept := range []templ.Component{offlinePage(), page.OfflineSheets()} {
		if err := kept.Render(context.Background(), h); err != nil {
			c.Log.Error("a page for devices cannot be made", "error", err)
		}
	}
	s.Version = hex.EncodeToString(h.Sum(nil)[:8])
	told, _ := json.Marshal(s)
	text := append(append([]byte("const shell = "), told...), ";\n"...)
	text = append(text, page.Worker()...)
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(text) // whoever is gone is not told
	}
}

// offline is the page that a device keeps for when it cannot reach us.
func (c *Console) offline(w http.ResponseWriter, r *http.Request) error {
	c.render(w, r, http.StatusOK, offlinePage())
	return nil
}

func offlinePage() templ.Component {
	return page.Offline(page.Page{Title: "Not connected", Stand: true})
}

// offlineSheets are the forms that a device keeps for when it cannot reach us.
func (c *Console) offlineSheets(w http.ResponseWriter, r *http.Request) error {
	c.render(w, r, http.StatusOK, page.OfflineSheets())
	return nil
}

func (c *Console) phone(w http.ResponseWriter, r *http.Request) error {
	c.render(w, r, http.StatusOK, page.Phone(c.page(r, "This phone")))
	return nil
}

// phoneKey is the key that a browser's push service knows us by.
func (c *Console) phoneKey(w http.ResponseWriter, r *http.Request) error {
	var key struct {
		Key string `json:"key"`
	}
	if err := c.call(r.Context(), http.MethodGet, "notification", "/devices/key", nil, &key); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(key)
}

// device is a browser's subscription, as browsers write it.
type device struct {
	Endpoint string `json:"endpoint"`
	Keys     struct {
		P256dh string `json:"p256dh"`
		Auth   string `json:"auth"`
	} `json:"keys,omitzero"`
}

// phoneAct subscribes this device for whoever is signed in, goes on with it, or ends it.
func (c *Console) phoneAct(w http.ResponseWriter, r *http.Request) error {
	path, known := map[string]string{"subscribe": "/devices", "renew": "/devices/renew", "forget": "/devices/forget"}[r.PathValue("action")]
	if !known {
		return refuse(fault.Unknown, "There is no page at this address.")
	}
	var d device
	if err := json.NewDecoder(r.Body).Decode(&d); err != nil || d.Endpoint == "" {
		return refuse(fault.Malformed, "This is not a device.")
	}
	in := map[string]string{"endpoint": d.Endpoint}
	if path == "/devices" {
		in["p256dh"], in["auth"] = d.Keys.P256dh, d.Keys.Auth
	}
	if err := c.call(r.Context(), http.MethodPost, "notification", path, in, nil); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
