// Command codecgen writes codec_gen.go of package events: functions that write and read its facts,
// and the structs in them, without reflection.
//
//	go run ./pkg/events/internal/codecgen pkg/events
//
// It reads the declarations as text, so that it works also when what it wrote the last time does not
// compile any more. What it has no code for, it refuses by name: a field of a new kind is a decision.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

const generated = "codec_gen.go"

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: codecgen folder")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "codecgen:", err)
		os.Exit(1)
	}
}

func run(folder string) error {
	p := &vocabulary{structs: map[string]*ast.StructType{}, facts: map[string]string{}, members: map[string][]member{}}
	if err := p.read(folder); err != nil {
		return err
	}
	for _, fact := range slices.Sorted(maps.Keys(p.facts)) {
		if err := p.reach(p.shape(fact)); err != nil {
			return err
		}
	}
	text, err := format.Source(p.write())
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, generated), text, 0o644)
}

// vocabulary is what the package declares.
type vocabulary struct {
	structs map[string]*ast.StructType
	facts   map[string]string   // the names of facts, and their types on the wire
	members map[string][]member // of the structs that facts reach
}

// member is a field as encoding/json sees it.
type member struct {
	name, field, typ string
	omit             string // omitempty, omitzero, or ""
}

func (p *vocabulary) read(folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return err
	}
	for _, name := range files {
		if filepath.Base(name) == generated || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			p.declared(d)
		}
	}
	if len(p.facts) == 0 {
		return errors.New("no facts in " + folder)
	}
	return nil
}

// declared notes structs, and methods Type that return a name.
func (p *vocabulary) declared(d ast.Decl) {
	switch d := d.(type) {
	case *ast.GenDecl:
		for _, s := range d.Specs {
			if t, ok := s.(*ast.TypeSpec); ok && t.TypeParams == nil {
				if st, ok := t.Type.(*ast.StructType); ok {
					p.structs[t.Name.Name] = st
				}
			}
		}
	case *ast.FuncDecl:
		if d.Recv == nil || d.Name.Name != "Type" || len(d.Body.List) != 1 {
			return
		}
		if ret, ok := d.Body.List[0].(*ast.ReturnStmt); ok && len(ret.Results) == 1 {
			if name, ok := ret.Results[0].(*ast.BasicLit); ok && name.Kind == token.STRING {
				p.facts[types.ExprString(d.Recv.List[0].Type)], _ = strconv.Unquote(name.Value)
			}
		}
	}
}

// shape is the struct whose functions do for a fact: the one it embeds where it has nothing else.
func (p *vocabulary) shape(fact string) string {
	if s := p.structs[fact]; s != nil && len(s.Fields.List) == 1 && len(s.Fields.List[0].Names) == 0 {
		return types.ExprString(s.Fields.List[0].Type)
	}
	return fact
}

// reach lists the members of a struct, and of all that is in it.
func (p *vocabulary) reach(name string) error {
	if p.members[name] != nil {
		return nil
	}
	list, err := p.list(name)
	if err != nil {
		return err
	}
	p.members[name] = list
	for i, m := range list {
		if slices.ContainsFunc(list[:i], func(o member) bool { return strings.EqualFold(o.name, m.name) }) {
			return fmt.Errorf("%s has two members %s", name, m.name)
		}
		inner := strings.TrimPrefix(strings.TrimPrefix(m.typ, "[]"), "*")
		if p.structs[inner] != nil {
			err = p.reach(inner)
		}
		if err == nil && appends(m.typ, "v", p.structs) == "" {
			err = fmt.Errorf("%s.%s: no code for %s", name, m.field, m.typ)
		}
		if err == nil && m.omit != "" && missing(m) == "" {
			err = fmt.Errorf("%s.%s: no code for %s of %s", name, m.field, m.omit, m.typ)
		}
		if err == nil && m.omit == "" && m.typ[0] == '*' {
			err = fmt.Errorf("%s.%s: a pointer that is not omitempty", name, m.field)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// list are the members of a struct in the order of its fields, those of embedded ones in their place.
func (p *vocabulary) list(name string) ([]member, error) {
	s := p.structs[name]
	if s == nil {
		return nil, fmt.Errorf("%s is not a struct of this package", name)
	}
	list := []member{}
	for _, f := range s.Fields.List {
		typ := types.ExprString(f.Type)
		if len(f.Names) == 0 {
			inner, err := p.list(typ)
			if err != nil {
				return nil, err
			}
			list = append(list, inner...)
			continue
		}
		for _, n := range f.Names {
			tag := ""
			if f.Tag != nil {
				tag, _ = strconv.Unquote(f.Tag.Value)
			}
			said, omit, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
			if said == "" || said == "-" || !n.IsExported() {
				return nil, fmt.Errorf("%s.%s has no name in documents", name, n)
			}
			list = append(list, member{said, n.Name, typ, omit})
		}
	}
	return list, nil
}

// appends is the expression that appends value, or "".
func appends(typ, value string, structs map[string]*ast.StructType) string {
	of, isList := strings.CutPrefix(typ, "[]")
	to, isPointer := strings.CutPrefix(typ, "*")
	switch {
	case typ == "string":
		return "appendText(b, " + value + ")"
	case typ == "int", typ == "int64":
		return "strconv.AppendInt(b, int64(" + value + "), 10)"
	case typ == "bool":
		return "strconv.AppendBool(b, " + value + ")"
	case typ == "ID":
		return "appendID(b, " + value + ")"
	case typ == "time.Time":
		return "appendTime(b, " + value + ")"
	case typ == "[]string":
		return "appendTexts(b, " + value + ")"
	case typ == "map[string]string":
		return "appendPairs(b, " + value + ")"
	case isPointer && structs[to] != nil:
		return "append" + to + "(b, " + value + ")"
	case isPointer && !strings.ContainsAny(to, "*[") && appends(to, "", structs) != "":
		return appends(to, "*"+value, structs)
	case isList && structs[of] != nil:
		return "appendList(b, " + value + ", append" + of + ")"
	case structs[typ] != nil:
		return "append" + typ + "(b, &" + value + ")"
	}
	return ""
}

// missing is the condition under which a member is written, or "".
func missing(m member) string {
	value := "v." + m.field
	switch {
	case m.omit == "omitzero" && m.typ == "ID":
		return "!" + value + ".IsZero()"
	case m.omit != "omitempty":
	case m.typ == "string":
		return value + ` != ""`
	case m.typ == "int", m.typ == "int64":
		return value + " != 0"
	case m.typ == "bool":
		return value
	case m.typ[0] == '*':
		return value + " != nil"
	case strings.HasPrefix(m.typ, "[]"), strings.HasPrefix(m.typ, "map["):
		return "len(" + value + ") > 0"
	}
	return ""
}

// reads is the statement that reads into target.
func (p *vocabulary) reads(typ, target string) string {
	simple := map[string]string{"string": "text", "int": "int", "int64": "int64", "bool": "bool", "ID": "id", "time.Time": "time", "[]string": "texts", "map[string]string": "pairs"}
	if how := simple[typ]; how != "" {
		return target + " = r." + how + "()"
	}
	if of, ok := strings.CutPrefix(typ, "[]"); ok {
		return target + " = read" + of + "List(r)"
	}
	to, ok := strings.CutPrefix(typ, "*")
	if !ok {
		return "read" + typ + "(r, &" + target + ")"
	}
	if how := simple[to]; how != "" {
		return target + " = new(r." + how + "())"
	}
	return target + " = new(" + to + ")\n read" + to + "(r, " + target + ")"
}

func (p *vocabulary) write() []byte {
	out := &bytes.Buffer{}
	fmt.Fprint(out, "// Code generated by codecgen. DO NOT EDIT.\n\npackage events\n\nimport \"strconv\"\n")
	lists := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(p.members)) {
		p.writeAppend(out, name)
		p.writeRead(out, name)
		for _, m := range p.members[name] {
			if of, ok := strings.CutPrefix(m.typ, "[]"); ok && p.structs[of] != nil {
				lists[of] = true
			}
		}
	}
	for _, of := range slices.Sorted(maps.Keys(lists)) {
		fmt.Fprintf(out, `
func read%[1]sList(r *reader) []%[1]s {
	if r.null() {
		return nil
	}
	var few [8]%[1]s
	list := few[:0]
	for r.expect("["); r.more(']'); {
		list = append(list, %[1]s{})
		read%[1]s(r, &list[len(list)-1])
	}
	r.close(']')
	return append(make([]%[1]s, 0, len(list)), list...)
}
`, of)
	}
	p.writeKnown(out)
	return out.Bytes()
}

func (p *vocabulary) writeAppend(out *bytes.Buffer, name string) {
	fmt.Fprintf(out, "\nfunc append%s(b []byte, v *%s) []byte {\nat := len(b)\n", name, name)
	for _, m := range p.members[name] {
		write := fmt.Sprintf("b = append(b, `,%q:`...)\nb = %s\n", m.name, appends(m.typ, "v."+m.field, p.structs))
		if m.omit != "" {
			write = fmt.Sprintf("if %s {\n%s}\n", missing(m), write)
		}
		out.WriteString(write)
	}
	fmt.Fprint(out, "return enclose(b, at, '{', '}')\n}\n")
}

func (p *vocabulary) writeRead(out *bytes.Buffer, name string) {
	fmt.Fprintf(out, "\nfunc read%s(r *reader, v *%s) {\nr.expect(`{`)\n", name, name)
	for _, m := range p.members[name] {
		fmt.Fprintf(out, "if r.is(`%q:`) {\n%s\n}\n", m.name, p.reads(m.typ, "v."+m.field))
	}
	fmt.Fprint(out, "r.close('}')\n}\n")
}

// writeKnown writes what finds the functions of a value.
func (p *vocabulary) writeKnown(out *bytes.Buffer) {
	facts := slices.Sorted(maps.Keys(p.facts))
	var snapshots []string
	for _, name := range slices.Sorted(maps.Keys(p.members)) {
		if p.facts[name] == "" {
			snapshots = append(snapshots, name)
		}
	}
	inner := func(fact string) string {
		if shape := p.shape(fact); shape != fact {
			return "." + shape
		}
		return ""
	}
	fmt.Fprint(out, "\nfunc appendKnown(b []byte, v any) ([]byte, bool) {\nswitch v := v.(type) {\ncase map[string]string:\nreturn appendPairs(b, v), true\n")
	for _, name := range snapshots {
		fmt.Fprintf(out, "case %s:\nreturn append%s(b, &v), true\ncase *%s:\nif v != nil {\nreturn append%s(b, v), true\n}\n", name, name, name, name)
	}
	for _, f := range facts {
		fmt.Fprintf(out, "case %s:\nreturn append%s(b, &v%s), true\n", f, p.shape(f), inner(f))
	}
	fmt.Fprint(out, "}\nreturn b, false\n}\n\nfunc readKnown(r *reader, v any) bool {\nswitch v := v.(type) {\ncase *map[string]string:\n*v = r.pairs()\n")
	for _, name := range snapshots {
		fmt.Fprintf(out, "case *%s:\nread%s(r, v)\n", name, name)
	}
	fmt.Fprint(out, "default:\nreturn false\n}\nreturn true\n}\n\nfunc readFact(r *reader, typ string) Fact {\nswitch typ {\n")
	for _, f := range facts {
		fmt.Fprintf(out, "case %q:\nvar f %s\nread%s(r, &f%s)\nreturn f\n", p.facts[f], f, p.shape(f), inner(f))
	}
	fmt.Fprint(out, "}\nreturn nil\n}\n")
}
