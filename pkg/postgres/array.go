package postgres

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/handoff-care/handoff/pkg/events"
)

// registerArrays teaches m to write the arrays that batches are made of in one piece. By default each
// element is planned and appended by itself, and the buffer is copied several times while it grows;
// an id or a time is written out as text on top. What is not listed here goes the default way.
func registerArrays(m *pgtype.Map) {
	texts := []plan{flat[string]{sizeOfText, putText}, flat[*string]{sizeOfTextIf, putTextIf}}
	for _, a := range []struct {
		name         string
		oid, element uint32
		plans        []plan
	}{
		{"_uuid", pgtype.UUIDArrayOID, pgtype.UUIDOID, []plan{flat[events.ID]{sizeOfID, putID}}},
		{"_text", pgtype.TextArrayOID, pgtype.TextOID, texts},
		{"_json", pgtype.JSONArrayOID, pgtype.JSONOID, texts},
		{"_bytea", pgtype.ByteaArrayOID, pgtype.ByteaOID, []plan{flat[[]byte]{sizeOfBytes, putBytes}}},
		{"_timestamptz", pgtype.TimestamptzArrayOID, pgtype.TimestamptzOID, []plan{flat[time.Time]{sizeOfTime, putTime}, flat[*time.Time]{sizeOfTimeIf, putTimeIf}}},
	} {
		element, _ := m.TypeForOID(a.element)
		m.RegisterType(&pgtype.Type{Name: a.name, OID: a.oid, Codec: arrayCodec{&pgtype.ArrayCodec{ElementType: element}, a.plans}})
	}
	m.RegisterDefaultPgType([]events.ID{}, "_uuid")
}

// arrayCodec is an ArrayCodec that knows some types of slices better.
type arrayCodec struct {
	*pgtype.ArrayCodec
	plans []plan
}

func (c arrayCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(roomFor); ok {
		return encodeRoomFor{m, oid, format}
	}
	if format == pgtype.BinaryFormatCode {
		for _, p := range c.plans {
			if p.takes(value) {
				return p.of(c.ElementType.OID)
			}
		}
	}
	return c.ArrayCodec.PlanEncode(m, oid, format, value)
}

type plan interface {
	takes(value any) bool
	of(element uint32) pgtype.EncodePlan
}

// flat writes a []T, an element of which takes size bytes, or is NULL where that is negative.
type flat[T any] struct {
	size func(T) int
	put  func([]byte, T) []byte
}

func (flat[T]) takes(value any) bool                  { _, ok := value.([]T); return ok }
func (f flat[T]) of(element uint32) pgtype.EncodePlan { return encodeFlat[T]{f, element} }

type encodeFlat[T any] struct {
	flat[T]
	element uint32
}

// Encode makes room for the server's binary array, then writes it: dimensions, whether there may be
// NULLs, element type, length, lower bound, and each element after its length. A nil slice is NULL.
func (e encodeFlat[T]) Encode(value any, buf []byte) ([]byte, error) {
	list := value.([]T)
	if list == nil {
		return nil, nil
	}
	total := 20 + 4*len(list)
	for _, x := range list {
		total += max(0, e.size(x))
	}
	buf = slices.Grow(buf, total)
	put := binary.BigEndian.AppendUint32
	if len(list) == 0 {
		return put(put(put(buf, 0), 0), e.element), nil
	}
	buf = put(put(put(put(put(buf, 1), 1), e.element), uint32(len(list))), 1)
	for _, x := range list {
		n := e.size(x)
		buf = put(buf, uint32(int32(n)))
		if n >= 0 {
			buf = e.put(buf, x)
		}
	}
	return buf, nil
}

const null = -1

func sizeOfText(s string) int                   { return len(s) }
func putText(buf []byte, s string) []byte       { return append(buf, s...) }
func putTextIf(buf []byte, s *string) []byte    { return append(buf, *s...) }
func putBytes(buf []byte, b []byte) []byte      { return append(buf, b...) }
func putID(buf []byte, id events.ID) []byte     { return append(buf, id[:]...) }
func sizeOfTime(time.Time) int                  { return 8 }
func putTimeIf(buf []byte, t *time.Time) []byte { return putTime(buf, *t) }

func sizeOfTextIf(s *string) int {
	if s == nil {
		return null
	}
	return len(*s)
}

func sizeOfBytes(b []byte) int {
	if b == nil {
		return null
	}
	return len(b)
}

// A zero id is NULL.
func sizeOfID(id events.ID) int {
	if id.IsZero() {
		return null
	}
	return len(id)
}

func sizeOfTimeIf(t *time.Time) int {
	if t == nil {
		return null
	}
	return 8
}

// putTime writes microseconds since the server's epoch, the year 2000.
func putTime(buf []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(buf, uint64(t.UnixMicro()-serverEpoch))
}

var serverEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
