package iamsim

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// statementPlace finds where the statement with an index begins and ends in
// the text of a policy. Lines and columns count from 1; from where AWS counts
// columns it does not say.
func statementPlace(text string, index int) (start, end types.Position) {
	var policy struct{ Statement json.RawMessage }
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		return start, end
	}
	// The raw message is a piece of the text, and stands in it once or means
	// the same wherever it stands first.
	at := strings.Index(text, string(policy.Statement))
	from, to := 0, len(policy.Statement)
	if bytes.HasPrefix(policy.Statement, []byte("[")) {
		from, to = element(policy.Statement, index)
	}
	return position(text, at+from), position(text, at+to-1)
}

// element finds the element with an index in the text of a JSON list.
func element(list []byte, index int) (from, to int) {
	d := json.NewDecoder(bytes.NewReader(list))
	if _, err := d.Token(); err != nil {
		return 0, len(list)
	}
	for i := 0; d.More(); i++ {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			break
		}
		if i == index {
			to = int(d.InputOffset())
			return to - len(raw), to
		}
	}
	return 0, len(list)
}

func position(text string, offset int) types.Position {
	before := text[:max(0, min(offset, len(text)))]
	return types.Position{
		Line:   int32(strings.Count(before, "\n") + 1),
		Column: int32(len(before) - strings.LastIndexByte(before, '\n')),
	}
}
