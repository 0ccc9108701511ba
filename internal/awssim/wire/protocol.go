package wire

import (
	"errors"
	"net/http"
)

// A Protocol is how one service talks. It is safe for concurrent use.
type Protocol interface {
	// Open finds out which operation a request asks for.
	Open(r *http.Request, body []byte) (*Message, error)
	// Result writes an operation's output, a pointer to a struct of the SDK.
	Result(operation, requestID string, output any) Answer
	// Failure writes an error.
	Failure(requestID string, e Error) Answer
}

// An Error is what goes back instead of a result.
type Error struct {
	Status        int // HTTP status
	Code, Message string
	// Members of the error beside its message, such as Reason. Only the JSON
	// protocols have them.
	Members map[string]string
}

// A Message is a request whose members are not read yet.
type Message struct {
	Operation string
	decode    func(into any) ([]string, error)
	take      func(member string) (string, bool) // nil means that there is nothing to take
}

// Take reads a plain member that the service has and the SDK's input lacks,
// and leaves it out of what Decode reads.
func (m *Message) Take(member string) (value string, ok bool) {
	if m.take == nil {
		return "", false
	}
	return m.take(member)
}

// Decode reads the members into a pointer to an SDK input. It returns the
// names of members that the input does not have. An error says that a value
// cannot be what the member's type demands.
func (m *Message) Decode(into any) (unknown []string, err error) { return m.decode(into) }

// An Answer is what goes back.
type Answer struct {
	Status      int
	ContentType string
	// Header holds what goes into headers of its own; nil means nothing.
	Header http.Header
	Body   []byte
}

// Errors of Open.
var (
	ErrMalformed = errors.New("wire: the request is malformed")
	ErrNoAction  = errors.New("wire: the request names no operation")
	ErrVersion   = errors.New("wire: the request is for another version of the API")
)
