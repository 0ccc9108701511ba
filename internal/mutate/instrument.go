package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// A mutant is one condition that can be negated.
type mutant struct {
	id   int
	file string
	line int
	// name tells it from all others, wherever in the file it moves: the file, the
	// function, the condition, and which it is of those that read alike.
	name string
}

// enable is what the package that is mutated needs beside its files.
const enable = `

import (
	"fmt"
	"os"
	"strconv"
	"sync"
)

var (
	theMutant, _ = strconv.Atoi(os.Getenv("SNAPKEEP_MUTANT"))
	trace        = os.Getenv("SNAPKEEP_ASKED")
	asked        sync.Map
)

// mutated says whether a condition is the one to negate, and notes, if that is
// wanted, that it was asked.
func mutated(id int) bool {
	if trace == "" {
		return id == theMutant
	}
	if _, again := asked.LoadOrStore(id, true); !again {
		f, err := os.OpenFile(trace, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			panic(err)
		}
		defer f.Close()
		fmt.Fprintln(f, id)
	}
	return false
}
`

// instrument wraps each condition of a file, and counts on from first.
func instrument(file string, source []byte, first int) ([]byte, []mutant, error) {
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, file, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, nil, err
	}
	var mutants []mutant
	inserts := map[int]string{} // by offset
	alike := map[string]int{}
	for _, decl := range parsed.Decls {
		function, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		for _, cond := range conditions(function) {
			from, to := fset.Position(cond.Pos()), fset.Position(cond.End())
			name := fmt.Sprintf("%s %s: %s", file, function.Name.Name, oneLine(source[from.Offset:to.Offset]))
			if alike[name]++; alike[name] > 1 {
				name += fmt.Sprintf(" #%d", alike[name])
			}
			m := mutant{id: first + len(mutants), file: file, line: from.Line, name: name}
			mutants = append(mutants, m)
			inserts[from.Offset] += fmt.Sprintf("mutated(%d) != (", m.id)
			inserts[to.Offset] = ")" + inserts[to.Offset]
		}
	}
	var out bytes.Buffer
	for i, b := range source {
		out.WriteString(inserts[i])
		out.WriteByte(b)
	}
	text, err := format.Source(out.Bytes())
	return text, mutants, err
}

// conditions returns those of a function, in order.
func conditions(f *ast.FuncDecl) []ast.Expr {
	list := within(f.Body, f.Type)
	slices.SortStableFunc(list, func(a, b ast.Expr) int { return int(a.Pos() - b.Pos()) })
	return list
}

// within returns the conditions in the body of a function of a type.
func within(body *ast.BlockStmt, of *ast.FuncType) (list []ast.Expr) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			list = append(list, within(n.Body, n.Type)...)
			return false
		case *ast.IfStmt:
			list = append(list, n.Cond)
		case *ast.SwitchStmt:
			if n.Tag != nil {
				break
			}
			for _, clause := range n.Body.List {
				list = append(list, clause.(*ast.CaseClause).List...)
			}
		case *ast.ReturnStmt:
			for i, result := range n.Results {
				if len(n.Results) == of.Results.NumFields() && isBool(of.Results, i) {
					list = append(list, operands(result)...)
				}
			}
		}
		return true
	})
	return list
}

// isBool says whether the i-th of the results of a function is declared as one.
func isBool(results *ast.FieldList, i int) bool {
	for _, f := range results.List {
		if i -= max(len(f.Names), 1); i < 0 {
			name, ok := f.Type.(*ast.Ident)
			return ok && name.Name == "bool"
		}
	}
	return false
}

// operands returns those of && and || in what is returned, or that itself; but
// not what is constant.
func operands(e ast.Expr) []ast.Expr {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return operands(e.X)
	case *ast.BinaryExpr:
		if e.Op == token.LAND || e.Op == token.LOR {
			return append(operands(e.X), operands(e.Y)...)
		}
	case *ast.Ident:
		if e.Name == "true" || e.Name == "false" {
			return nil
		}
	}
	return []ast.Expr{e}
}

func oneLine(text []byte) string { return strings.Join(strings.Fields(string(text)), " ") }
