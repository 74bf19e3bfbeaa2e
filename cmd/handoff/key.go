package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/seal"
)

type keyCommand struct {
	New    keyNew    `cmd:"" help:"Make a key file with one key; without a name print a key, as one line of such a file."`
	Rotate keyRotate `cmd:"" help:"Put a new key before those of a key file. The next start seals with it; the others still open what they sealed."`
	List   keyList   `cmd:"" help:"List the ids of a file's keys, the one that seals first."`
}

type keyNew struct {
	File string `arg:"" optional:"" help:"File to make. One that is there stays as it is."`
}

// Run implements the command.
func (c *keyNew) Run(term terminal) error {
	if c.File == "" {
		fmt.Fprint(term.Out, seal.Line())
		return nil
	}
	err := seal.Create(c.File)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("there is a %s: messages may be sealed with it. handoff key rotate %s puts a new key before its keys", c.File, c.File)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(term.Err, "Keep a copy of %s, and not where copies of the database are: with both anybody reads the messages, without it nobody does.\n", c.File)
	return keyList{File: c.File}.Run(term)
}

type keyRotate struct {
	File string `arg:"" help:"Key file; that of a data directory is called ${key_file}."`
}

// Run implements the command.
func (c *keyRotate) Run(term terminal) error {
	if err := seal.Rotate(c.File); err != nil {
		return err
	}
	fmt.Fprintln(term.Err, "Restart every admission with it. The old keys can go once each has started; keep them with the copies of the database that are older.")
	return keyList{File: c.File}.Run(term)
}

type keyList struct {
	File string `arg:"" help:"Key file; that of a data directory is called ${key_file}."`
}

// Run implements the command.
func (c keyList) Run(term terminal) error {
	keys, err := seal.Read(c.File)
	if err != nil {
		return err
	}
	for i, id := range keys.IDs() {
		state := "opens"
		if i == 0 {
			state = "seals and opens"
		}
		fmt.Fprintln(term.Out, id, state)
	}
	return nil
}

// keyVars are what the help of commands names.
var keyVars = map[string]string{"key_file": run.KeyFile}
