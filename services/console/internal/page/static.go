package page

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
)

//go:embed static
var files embed.FS

// versions are short hashes of the embedded files: part of their addresses, so that a browser may
// keep them for ever.
var versions = func() map[string]string {
	out := map[string]string{}
	_ = fs.WalkDir(files, "static", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			b, _ := files.ReadFile(name) // embedded: cannot fail
			sum := sha256.Sum256(b)
			out[path.Base(name)] = hex.EncodeToString(sum[:6])
		}
		return err
	})
	return out
}()

// Asset is the address of an embedded file.
func Asset(name string) string { return "/static/" + name + "?v=" + versions[name] }

// Static serves the embedded files.
var Static = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	if versions[name] == "" {
		http.NotFound(w, r)
		return
	}
	if r.URL.Query().Get("v") == versions[name] {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeFileFS(w, r, files, "static/"+name)
})
