// Policysim checks IAM policies without AWS: it reads one question a line on
// standard input and answers one line each on standard output, in order.
//
//	go run ./examples/policysim < examples/policysim/testdata/questions.jsonl
//
// A question is a JSON object on one line:
//
//	{"id": "1",
//	 "request": {"principal": "arn:aws:sts::111111111111:assumed-role/backup/run",
//	             "action": "ec2:DeleteSnapshot",
//	             "resource": "arn:aws:ec2:eu-west-1::snapshot/snap-1",
//	             "account": "111111111111",
//	             "context": {"aws:ResourceTag/vault": "999999999999", "aws:TagKeys": ["a", "b"]}},
//	 "policies": {"identity": [document, …], "resource": document, "boundary": [document, …],
//	              "session": document, "scp": [[document, …], …], "rcp": [[document, …], …],
//	              "grants": [entry of "aws kms list-grants", …]},
//	 "partial": false}
//
// The account is the resource's owner; left out, it is the one in the
// resource's ARN or else the principal's. A key that the context has not is
// absent from the request; with "partial" it is unknown. Every part of the
// policies may be left out, and so may the brackets around a single document.
// A trust or key policy is the resource's. SCPs and RCPs come as one list for
// each level of the organization. An anonymous principal is "*".
//
// An answer says what was decided, and which statements decided it:
//
//	{"id": "1", "decision": "Allowed", "by": ["identity policy 0, statement DeleteOwn"]}
//
// The decision is Allowed, ImplicitlyDenied, ExplicitlyDenied or Unknown. To a
// line that is no question the answer says why, {"id": "1", "error": "…"}; the
// others are answered all the same, and the exit status is 1 in the end. Empty
// lines are passed over.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// maxLine bounds the memory that one line may take. Documents have 32 KiB at
// most (a key policy), and a question holds a few dozen at the very most.
const maxLine = 16 << 20

// An answer is one line of output.
type answer struct {
	ID       json.RawMessage `json:"id,omitempty"` // as the question has it
	Decision string          `json:"decision,omitempty"`
	By       []string        `json:"by,omitzero"`
	Error    string          `json:"error,omitempty"`
}

// run is the program; it returns the exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		fmt.Fprintln(stderr, "usage: policysim < questions > answers")
		return 2
	}
	bad, err := answerAll(stdin, stdout)
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "policysim:", err)
		return 1
	case bad > 0:
		fmt.Fprintf(stderr, "policysim: lines without a question: %d\n", bad)
		return 1
	}
	return 0
}

// answerAll answers line by line and counts the lines that are no questions.
// What is answered is written before it waits for more, so that another
// program may ask one question at a time.
func answerAll(stdin io.Reader, stdout io.Writer) (bad int, err error) {
	in, out := bufio.NewReaderSize(stdin, 64<<10), bufio.NewWriterSize(stdout, 64<<10)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	var line []byte
	for number := 1; ; number++ {
		var end error
		line, end = readLine(in, line[:0])
		if end != nil && !errors.Is(end, io.EOF) && !errors.Is(end, errLongLine) {
			return bad, errors.Join(end, out.Flush())
		}
		if text := bytes.TrimSpace(line); len(text) > 0 || errors.Is(end, errLongLine) {
			a := answer{Error: fmt.Sprintf("line %d: %v", number, end)}
			if !errors.Is(end, errLongLine) {
				a = reply(text, number)
			}
			if a.Error != "" {
				bad++
			}
			if err := enc.Encode(a); err != nil {
				return bad, err
			}
		}
		if errors.Is(end, io.EOF) {
			return bad, out.Flush()
		}
		if in.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return bad, err
			}
		}
	}
}

var errLongLine = fmt.Errorf("the line is longer than %d bytes", maxLine)

// readLine appends the next line to a buffer. The error is io.EOF at the end
// of the last line, and errLongLine for one that was passed over.
func readLine(in *bufio.Reader, line []byte) ([]byte, error) {
	long := false
	for {
		part, err := in.ReadSlice('\n')
		if long = long || len(line)+len(part) > maxLine; long {
			line = line[:0]
		} else {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case long && (err == nil || errors.Is(err, io.EOF)):
			return line, errLongLine // at the end of the input the next read says so
		}
		return line, err
	}
}
