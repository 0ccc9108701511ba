package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
)

// names of one member on the wire; empty where it does not go that way.
type names struct {
	request  string // key in a request
	response string // element in a response
	item     string // element of one entry, if the member is a list that is not flattened
}

// A source holds the names that an SDK module's serializers write and its
// deserializers read, by Go type and Go field: "types.Tag.Key".
type source map[string]*names

func (s source) at(typ, field string) *names {
	key := typ + "." + field
	if s[key] == nil {
		s[key] = &names{}
	}
	return s[key]
}

// readModule reads the names from the Go source of a query-protocol module.
func readModule(dir string) (source, error) {
	s := source{}
	fns, err := functions(dir, "serializers.go", "_serialize")
	if err != nil {
		return nil, err
	}
	for _, f := range fns {
		if !f.list {
			s.addRequest(f)
		}
	}
	if fns, err = functions(dir, "deserializers.go", "_deserialize"); err != nil {
		return nil, err
	}
	items := map[string]string{}
	for _, f := range fns {
		if f.list {
			eachCase(f.body, func(element string, _ *ast.CaseClause) { items[f.name] = element })
		}
	}
	for _, f := range fns {
		if !f.list {
			s.addResponse(f, items)
		}
	}
	if len(s) == 0 {
		return nil, fmt.Errorf("%s holds no query serializers; if the module has moved to schemas, read the names there", dir)
	}
	return s, nil
}

// A function is one serializer or deserializer.
type function struct {
	name, typ string
	list      bool
	body      *ast.BlockStmt
}

func functions(dir, file, infix string) ([]function, error) {
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, file), nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var fns []function
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Recv != nil || !strings.Contains(fn.Name.Name, infix) || fn.Type.Params.NumFields() < 2 {
			continue
		}
		typ, list := typeName(fn.Type.Params.List[0].Type)
		fns = append(fns, function{fn.Name.Name, typ, list, fn.Body})
	}
	return fns, nil
}

func typeName(e ast.Expr) (name string, list bool) {
	switch x := e.(type) {
	case *ast.StarExpr:
		return typeName(x.X)
	case *ast.SelectorExpr:
		return "types." + x.Sel.Name, false
	case *ast.Ident:
		return x.Name, false
	case *ast.ArrayType:
		name, _ = typeName(x.Elt)
		return name, true
	}
	return "", false
}

// addRequest reads statements such as
//
//	if v.Tags != nil { objectKey := object.FlatKey("Tag"); … }
func (s source) addRequest(f function) {
	for _, st := range f.body.List {
		var field, key string
		ast.Inspect(st, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.SelectorExpr:
				field = first(field, fieldOf(x, "v"))
			case *ast.CallExpr:
				if c := callee(x); c == "object.Key" || c == "object.FlatKey" {
					key = first(key, literal(x.Args[0]))
				}
			}
			return true
		})
		if field != "" && key != "" {
			s.at(f.typ, field).request = key
		}
	}
}

// addResponse reads clauses such as
//
//	case strings.EqualFold("tagSet", t.Name.Local): … deserializeDocumentTagList(&sv.Tags, …)
func (s source) addResponse(f function, items map[string]string) {
	eachCase(f.body, func(element string, c *ast.CaseClause) {
		var field, reader string
		for _, st := range c.Body {
			ast.Inspect(st, func(n ast.Node) bool {
				switch x := n.(type) {
				case *ast.SelectorExpr:
					field = first(field, fieldOf(x, "sv"))
				case *ast.CallExpr:
					if name := callee(x); strings.Contains(name, "_deserializeDocument") {
						reader = first(reader, name)
					}
				}
				return true
			})
		}
		if field != "" {
			n := s.at(f.typ, field)
			n.response, n.item = element, items[reader]
		}
	})
}

// eachCase calls do for every clause that compares an element's name.
func eachCase(body *ast.BlockStmt, do func(element string, c *ast.CaseClause)) {
	ast.Inspect(body, func(n ast.Node) bool {
		c, ok := n.(*ast.CaseClause)
		if !ok || len(c.List) != 1 {
			return true
		}
		if call, ok := c.List[0].(*ast.CallExpr); ok && callee(call) == "strings.EqualFold" {
			do(literal(call.Args[0]), c)
			return false
		}
		return true
	})
}

func fieldOf(x *ast.SelectorExpr, variable string) string {
	if id, ok := x.X.(*ast.Ident); ok && id.Name == variable {
		return x.Sel.Name
	}
	return ""
}

func callee(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok {
			return x.Name + "." + f.Sel.Name
		}
	}
	return ""
}

func literal(e ast.Expr) string {
	b, ok := e.(*ast.BasicLit)
	if !ok || b.Kind != token.STRING {
		return ""
	}
	s, err := strconv.Unquote(b.Value)
	if err != nil {
		return ""
	}
	return s
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
