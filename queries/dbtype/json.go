package dbtype

import (
	"database/sql/driver"
	"errors"
	"fmt"
)

// JSON is a JSON document as text. Nil is SQL NULL and, inside another document, the JSON null.
//
// PostgreSQL keeps the meaning of a document but not its spelling: white space, key order and repeated keys of what is
// read may differ from what was written. Never compare the bytes.
type JSON []byte

// Value implements [driver.Valuer]. The text goes to the driver as a string, because bytes would be stored as a binary
// value by SQLite and encoded a second time by PostgreSQL.
func (j JSON) Value() (driver.Value, error) {
	if j == nil {
		return nil, nil
	}
	return string(j), nil
}

// Scan implements [database/sql.Scanner]. It copies what it is given.
func (j *JSON) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*j = nil
	case string:
		*j = JSON(v)
	case []byte:
		*j = append(JSON{}, v...)
	default:
		return fmt.Errorf("reading JSON: got %T, want text", src)
	}
	return nil
}

// MarshalJSON implements [encoding/json.Marshaler]: the document stands for itself.
func (j JSON) MarshalJSON() ([]byte, error) {
	if j == nil {
		return []byte("null"), nil
	}
	return j, nil
}

// UnmarshalJSON implements [encoding/json.Unmarshaler]. It keeps a copy of the document's text.
func (j *JSON) UnmarshalJSON(data []byte) error {
	if j == nil {
		return errors.New("reading JSON into a nil *dbtype.JSON")
	}
	*j = append((*j)[:0:0], data...)
	return nil
}
