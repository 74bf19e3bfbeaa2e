package health

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/seal"
)

// keys looks at the file with the keys that messages are sealed under: file, or that of the data directory.
func keys(data, file string) Finding {
	const what = "message keys"
	named := file != ""
	if !named {
		file = filepath.Join(data, run.KeyFile)
	}
	text, _ := os.ReadFile(filepath.Join(data, run.UsedKeyFile))
	used := strings.TrimSpace(string(text))
	found, err := seal.Read(file)
	switch {
	case err == nil && used != "" && !found.Has(used):
		return Finding{Wrong, what, fmt.Sprintf("messages are sealed with key %s, and %s does not have it", used, file), "put back the file that has it: without it no start succeeds"}
	case err == nil:
		return Finding{Fine, what, fmt.Sprintf("%s seals with key %s", file, found.Active()), ""}
	case !errors.Is(err, fs.ErrNotExist):
		return Finding{Wrong, what, err.Error(), "put back your copy of the file, and let this user read it"}
	case used != "":
		return Finding{Wrong, what, fmt.Sprintf("messages are sealed with key %s, and there is no %s", used, file), "put back your copy of the file: without it no start succeeds"}
	case named:
		return Finding{Wrong, what, "there is no " + file, "put back your copy of it; before the first start make it: handoff key new " + file}
	}
	return Finding{Fine, what, file + " does not exist yet; the first start makes it", ""}
}

// sealing finds messages that are not sealed.
func sealing(ctx context.Context, o Options) Finding {
	const what = "sealed messages"
	items, err := o.Get(ctx, "admission", "/sealing")
	if err != nil || len(items) == 0 {
		return Finding{Watch, what, fmt.Sprint(err), "look at the instance's log"}
	}
	clear, destroyed := number(items[0]["in_the_clear"]), number(items[0]["keys_destroyed"])
	state := []string{fmt.Sprintf("data keys: %.0f", number(items[0]["keys"]))}
	if destroyed > 0 {
		state = append(state, fmt.Sprintf("%.0f destroyed: what they sealed is gone", destroyed))
	}
	if clear > 0 {
		state = append(state, fmt.Sprintf("%.0f messages of an older version are in the clear", clear))
		return Finding{Watch, what, strings.Join(state, ", "), "wait: they are being sealed; if they do not become fewer, look at the instance's log"}
	}
	return Finding{Fine, what, strings.Join(append(state, "none in the clear"), ", "), ""}
}
