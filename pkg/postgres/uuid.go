package postgres

import (
	"encoding/binary"
	"fmt"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/handoff-care/handoff/pkg/events"
)

// registerUUID teaches m to move events.ID and []events.ID as the 16 bytes they
// are. Without it each id is written out as text and read back, by reflection:
// ids are most of what a batch carries.
func registerUUID(m *pgtype.Map) {
	element := &pgtype.Type{Name: "uuid", OID: pgtype.UUIDOID, Codec: uuidCodec{}}
	array := uuidArrayCodec{ArrayCodec: &pgtype.ArrayCodec{ElementType: element}}
	m.RegisterType(element)
	m.RegisterType(&pgtype.Type{Name: "_uuid", OID: pgtype.UUIDArrayOID, Codec: array})
	m.RegisterDefaultPgType(events.ID{}, "uuid")
	m.RegisterDefaultPgType([]events.ID{}, "_uuid")
}

type uuidCodec struct{ pgtype.UUIDCodec }

func (c uuidCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(events.ID); ok && format == pgtype.BinaryFormatCode {
		return encodeUUID{}
	}
	return c.UUIDCodec.PlanEncode(m, oid, format, value)
}

func (c uuidCodec) PlanScan(m *pgtype.Map, oid uint32, format int16, target any) pgtype.ScanPlan {
	if _, ok := target.(*events.ID); ok && format == pgtype.BinaryFormatCode {
		return scanUUID{}
	}
	return c.UUIDCodec.PlanScan(m, oid, format, target)
}

type encodeUUID struct{}

func (encodeUUID) Encode(value any, buf []byte) ([]byte, error) {
	id := value.(events.ID)
	if id.IsZero() {
		return nil, nil // NULL
	}
	return append(buf, id[:]...), nil
}

type scanUUID struct{}

func (scanUUID) Scan(src []byte, target any) error {
	id := target.(*events.ID)
	if src == nil {
		*id = events.ID{}
		return nil
	}
	if len(src) != 16 {
		return fmt.Errorf("cannot scan %d bytes into *events.ID", len(src))
	}
	copy(id[:], src)
	return nil
}

type uuidArrayCodec struct{ *pgtype.ArrayCodec }

func (c uuidArrayCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.([]events.ID); ok && format == pgtype.BinaryFormatCode {
		return encodeUUIDs{}
	}
	return c.ArrayCodec.PlanEncode(m, oid, format, value)
}

type encodeUUIDs struct{}

// Encode writes the server's binary array: dimensions, null flag, element type,
// length and lower bound, then each element with its length. A nil slice is NULL,
// and so is a zero id.
func (encodeUUIDs) Encode(value any, buf []byte) ([]byte, error) {
	ids := value.([]events.ID)
	if ids == nil {
		return nil, nil
	}
	dimensions := uint32(1)
	if len(ids) == 0 {
		dimensions = 0
	}
	buf = binary.BigEndian.AppendUint32(buf, dimensions)
	buf = binary.BigEndian.AppendUint32(buf, 1) // there may be NULLs
	buf = binary.BigEndian.AppendUint32(buf, pgtype.UUIDOID)
	if dimensions == 0 {
		return buf, nil
	}
	buf = binary.BigEndian.AppendUint32(buf, uint32(len(ids)))
	buf = binary.BigEndian.AppendUint32(buf, 1)
	for i := range ids {
		if ids[i].IsZero() {
			buf = binary.BigEndian.AppendUint32(buf, 0xffffffff) // NULL
			continue
		}
		buf = binary.BigEndian.AppendUint32(buf, 16)
		buf = append(buf, ids[i][:]...)
	}
	return buf, nil
}
