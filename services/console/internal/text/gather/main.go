// Gather writes the catalogue of the console's texts, en.json, from the console's code: every constant
// that is a text.Message or a text.Patient, and what scripts say, with where it is said. Run it in the root of the repository.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/handoff-care/handoff/services/console/internal/text/script"
)

const (
	console = "./services/console/..."
	words   = "github.com/handoff-care/handoff/services/console/internal/text"
	file    = "services/console/internal/text/en.json"
	scripts = "services/console/internal/page/static/*.js"
)

// entry is what the catalogue says of a text.
type entry struct {
	One      string   `json:"one,omitempty"`
	Patients bool     `json:"patients,omitempty"`
	In       []string `json:"in"`
}

func main() {
	if err := gather(); err != nil {
		fmt.Fprintln(os.Stderr, "gather:", err)
		os.Exit(1)
	}
}

func gather() error {
	pkgs, err := list()
	if err != nil {
		return err
	}
	found := catalogue{}
	for _, p := range pkgs {
		if p.Standard || p.ImportPath == words || !strings.HasPrefix(p.ImportPath, strings.TrimSuffix(words, "internal/text")) {
			continue
		}
		if err := found.read(p, pkgs); err != nil {
			return fmt.Errorf("%s: %w", p.ImportPath, err)
		}
	}
	if err := found.listen(); err != nil {
		return err
	}
	return os.WriteFile(file, found.write(), 0o644)
}

// pkg is what go list says of a package.
type pkg struct {
	ImportPath, Dir, Export string
	Standard                bool
	GoFiles                 []string
}

// list returns the console's packages and all they need, compiled.
func list() (map[string]pkg, error) {
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,Standard,GoFiles", console)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	pkgs := map[string]pkg{}
	for in := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := in.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs, nil
		} else if err != nil {
			return nil, err
		}
		pkgs[p.ImportPath] = p
	}
}

type catalogue map[string]*entry

// read adds what one package says.
func (c catalogue) read(p pkg, pkgs map[string]pkg) error {
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	conf := types.Config{Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(pkgs[path].Export) })}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	if _, err := conf.Check(p.ImportPath, fset, files, info); err != nil {
		return err
	}
	for _, f := range files {
		at := filepath.Base(p.Dir) + "/" + strings.Replace(filepath.Base(fset.Position(f.Pos()).Filename), "_templ.go", ".templ", 1)
		ones := map[ast.Expr]bool{}
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				c.plural(call, info, at, ones)
			}
			e, ok := n.(ast.Expr)
			if !ok || ones[e] {
				return !ones[e]
			}
			said, patients, ok := textOf(info.Types[e])
			if ok && said != "" {
				c.add(said, "", patients, at)
			}
			return !ok
		})
	}
	return nil
}

// listen adds what the scripts say.
func (c catalogue) listen() error {
	names, err := filepath.Glob(scripts)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".min.js") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		texts, _ := script.Read(string(src))
		for _, t := range texts {
			c.add(t.Said, t.One, false, "static/"+filepath.Base(name))
		}
	}
	return nil
}

// plural adds the text of a call that counts: its English for 1 is no text of its own.
func (c catalogue) plural(call *ast.CallExpr, info *types.Info, at string, ones map[ast.Expr]bool) {
	sig, ok := info.Types[call.Fun].Type.(*types.Signature)
	if !ok {
		return
	}
	for i := 0; i+1 < sig.Params().Len() && i+1 < len(call.Args); i++ {
		if sig.Params().At(i).Name() != "one" || sig.Params().At(i+1).Name() != "many" {
			continue
		}
		one, _, isText := textOf(info.Types[call.Args[i]])
		many, patients, also := textOf(info.Types[call.Args[i+1]])
		if isText && also {
			ones[call.Args[i]] = true
			c.add(many, one, patients, at)
		}
	}
}

func (c catalogue) add(said, one string, patients bool, at string) {
	e := c[said]
	if e == nil {
		e = &entry{}
		c[said] = e
	}
	if one != "" {
		e.One = one
	}
	e.Patients = e.Patients || patients
	if !slices.Contains(e.In, at) {
		e.In = append(e.In, at)
		slices.Sort(e.In)
	}
}

// textOf is the text that a constant is, by its type.
func textOf(tv types.TypeAndValue) (said string, patients, ok bool) {
	named, isNamed := tv.Type.(*types.Named)
	if !isNamed || tv.Value == nil || named.Obj().Pkg() == nil || named.Obj().Pkg().Path() != words {
		return "", false, false
	}
	switch named.Obj().Name() {
	case "Message", "Patient":
		return constant.StringVal(tv.Value), named.Obj().Name() == "Patient", true
	}
	return "", false, false
}

// write is the file: sorted, a text a line.
func (c catalogue) write() []byte {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	line := func(v any) {
		_ = out.Encode(v) // plain values into memory: cannot fail
		b.Truncate(b.Len() - 1)
	}
	b.WriteString("{")
	for i, said := range slices.Sorted(maps.Keys(c)) {
		b.WriteString(map[bool]string{true: "\n\t", false: ",\n\t"}[i == 0])
		line(said)
		b.WriteString(": ")
		line(c[said])
	}
	b.WriteString("\n}\n")
	return b.Bytes()
}
