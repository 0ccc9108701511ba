package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden answers")

// TestAnswers compares with answers that a person has gone through.
func TestAnswers(t *testing.T) {
	for name, status := range map[string]int{"questions": 0, "mistakes": 1} {
		t.Run(name, func(t *testing.T) {
			in, err := os.Open(filepath.Join("testdata", name+".jsonl"))
			require.NoError(t, err)
			defer in.Close()
			var out, errs bytes.Buffer
			require.Equal(t, status, run(nil, in, &out, &errs), errs.String())
			require.Equal(t, status == 0, errs.Len() == 0, errs.String())

			golden := filepath.Join("testdata", name+".answers.jsonl")
			if *update {
				require.NoError(t, os.WriteFile(golden, out.Bytes(), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), out.String())
		})
	}
}

// ask returns a question that has a statement for each of so many Sids.
func ask(t *testing.T, id string, statements int) string {
	t.Helper()
	var all []map[string]any
	for i := range statements {
		all = append(all, map[string]any{"Sid": fmt.Sprint("S", i), "Effect": "Allow", "Action": "ec2:DeleteSnapshot", "Resource": "*"})
	}
	text, err := json.Marshal(map[string]any{
		"id":       id,
		"request":  map[string]any{"principal": "arn:aws:iam::111111111111:user/alice", "action": "ec2:DeleteSnapshot", "resource": "*"},
		"policies": map[string]any{"identity": map[string]any{"Version": "2012-10-17", "Statement": all}},
	})
	require.NoError(t, err)
	return string(text) + "\n"
}

func TestLongLinesAreAnswered(t *testing.T) {
	long := ask(t, "long", 20_000)
	require.Greater(t, len(long), 1<<20)
	var out, errs bytes.Buffer
	require.Zero(t, run(nil, strings.NewReader(long+ask(t, "short", 1)), &out, &errs), errs.String())
	lines := strings.SplitAfter(out.String(), "\n")
	require.Len(t, lines, 3)
	require.Equal(t, 20_000, strings.Count(lines[0], "identity policy 0, statement S"))
	require.Equal(t, `{"id":"short","decision":"Allowed","by":["identity policy 0, statement S0"]}`+"\n", lines[1])
}

// endless is a line that is longer than there is room for.
type endless struct{ left int }

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), e.left)
	for i := range p[:n] {
		p[i] = 'x'
	}
	e.left -= n
	return n, nil
}

func TestALineWithoutEndIsPassedOver(t *testing.T) {
	for name, after := range map[string]string{"in the middle": "\n" + ask(t, "after", 1), "at the end": ""} {
		t.Run(name, func(t *testing.T) {
			in := io.MultiReader(strings.NewReader(ask(t, "before", 1)), &endless{left: 3 * maxLine}, strings.NewReader(after))
			var out, errs bytes.Buffer
			require.Equal(t, 1, run(nil, in, &out, &errs))
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			require.Len(t, lines, 2+strings.Count(after, "\n")/2)
			require.Contains(t, lines[0], `"before"`)
			require.Equal(t, `{"error":"line 2: the line is longer than 16777216 bytes"}`, lines[1])
			if after != "" {
				require.Contains(t, lines[2], `"after"`)
			}
		})
	}
}

// TestEachAnswerComesBeforeTheNextQuestion shows that a program can hold a
// conversation over two pipes.
func TestEachAnswerComesBeforeTheNextQuestion(t *testing.T) {
	questions, ask1 := io.Pipe()
	answer1, answers := io.Pipe()
	done := make(chan int)
	go func() {
		status := run(nil, questions, answers, io.Discard)
		answers.Close()
		done <- status
	}()
	replies := bufio.NewReader(answer1)
	for i := range 3 {
		_, err := io.WriteString(ask1, ask(t, fmt.Sprint(i), 1))
		require.NoError(t, err)
		reply, err := replies.ReadString('\n')
		require.NoError(t, err)
		require.Contains(t, reply, fmt.Sprintf(`"id":"%d"`, i))
	}
	require.NoError(t, ask1.Close())
	require.Zero(t, <-done)
}

type broken struct{}

func (broken) Read([]byte) (int, error)  { return 0, errors.New("unplugged") }
func (broken) Write([]byte) (int, error) { return 0, errors.New("unplugged") }

func TestBrokenPipesAreToldOf(t *testing.T) {
	var out, errs bytes.Buffer
	require.Equal(t, 1, run(nil, io.MultiReader(strings.NewReader(ask(t, "1", 1)), broken{}), &out, &errs))
	require.Contains(t, out.String(), `"Allowed"`, "what was answered is written")
	require.Equal(t, "policysim: unplugged\n", errs.String())

	errs.Reset()
	require.Equal(t, 1, run(nil, strings.NewReader(ask(t, "1", 1)), broken{}, &errs))
	require.Equal(t, "policysim: unplugged\n", errs.String())
}

func TestArgumentsAreRefused(t *testing.T) {
	var out, errs bytes.Buffer
	require.Equal(t, 2, run([]string{"file.jsonl"}, strings.NewReader(""), &out, &errs))
	require.Contains(t, errs.String(), "usage: policysim")
	require.Empty(t, out.String())
}

func FuzzReply(f *testing.F) {
	for _, name := range []string{"questions", "mistakes"} {
		text, err := os.ReadFile(filepath.Join("testdata", name+".jsonl"))
		require.NoError(f, err)
		for line := range bytes.Lines(text) {
			f.Add(bytes.TrimSpace(line))
		}
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		a := reply(line, 1)
		require.NotEqual(t, a.Error == "", a.Decision == "", "either a decision or an error")
		text, err := json.Marshal(a)
		require.NoError(t, err)
		require.NotContains(t, string(text), "\n")
	})
}
