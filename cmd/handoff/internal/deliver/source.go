// Package deliver sends files of HL7 messages over MLLP and tells what became of each.
//
// Guarantee: bytes are sent as they stand in the file, in the file's order, one in flight per
// connection. A message counts as accepted only if its own positive reply was read.
package deliver

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/pkg/hl7/mllp"
)

// ErrNothing says that a file holds no HL7 message and no MLLP frame.
var ErrNothing = errors.New("no HL7 message (MSH...) and no MLLP frame in it")

// Messages finds what is to be sent in a file's content: the frames of an MLLP capture, or the
// messages of an HL7 file, which may be one, several, or batches. The slices are parts of content.
func Messages(content []byte) ([][]byte, error) {
	if bytes.IndexByte(content, mllp.VT) >= 0 {
		return frames(content)
	}
	list := hl7.Split(content).Messages
	if len(list) == 0 {
		return nil, ErrNothing
	}
	return list, nil
}

func frames(content []byte) (list [][]byte, err error) {
	r := mllp.NewReader(bytes.NewReader(content), mllp.Options{MaxFrame: max(len(content), 1)})
	for {
		frame, err := r.ReadFrame()
		switch broken := (*mllp.FrameError)(nil); {
		case err == nil:
			list = append(list, frame)
		case errors.Is(err, io.EOF) && len(list) > 0 && !errors.As(err, &broken):
			return list, nil
		case errors.As(err, &broken) && broken.InStep():
			return nil, fmt.Errorf("frame %d: %w", len(list)+1, err)
		default:
			return nil, fmt.Errorf("after frame %d: %w", len(list), err)
		}
	}
}
