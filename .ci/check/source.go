package main

import (
	"bytes"
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"strings"
)

const (
	fileLinesMax = 600
	funcLinesMax = 70
)

// markers are the words that announce unfinished work.
var markers = regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`)

// A file is one parsed Go file.
type file struct {
	path   string // from the root, with slashes
	source []byte
	fset   *token.FileSet
	syntax *ast.File
}

func (f *file) pkg() string { return path.Dir(f.path) }

func (f *file) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

// line ignores //line directives: the reader wants the place in this file.
func (f *file) line(pos token.Pos) int { return f.fset.PositionFor(pos, false).Line }

// checkLengths bounds the file and each of its functions. A function literal counts with the function around it.
func (c *checker) checkLengths(f *file) {
	if f.isTest() {
		return
	}
	if n := countLines(f.source); n > fileLinesMax {
		c.report(f.path, fileLinesMax+1, "file has %d lines; split it so that none has more than %d", n, fileLinesMax)
	}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		name := "function"
		switch fn := n.(type) {
		case *ast.FuncDecl:
			name = fn.Name.Name
		case *ast.FuncLit:
		default:
			return true
		}
		// A declaration starts at its func keyword, after the comment.
		start := n.Pos()
		if lines := f.line(n.End()-1) - f.line(start) + 1; lines > funcLinesMax {
			c.report(f.path, f.line(start), "%s has %d lines; split it so that it has at most %d", name, lines, funcLinesMax)
		}
		return false
	})
}

// checkComments wants a comment on every exported top-level name.
func (c *checker) checkComments(f *file) {
	if f.isTest() {
		return
	}
	for _, decl := range f.syntax.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			receiver := receiverName(d)
			reachable := d.Name.IsExported() && (receiver == "" || ast.IsExported(receiver))
			if reachable && !said(d.Doc) {
				c.reportUncommented(f, d.Pos(), strings.TrimPrefix(receiver+"."+d.Name.Name, "."))
			}
		case *ast.GenDecl:
			c.checkDeclComments(f, d)
		}
	}
}

// checkDeclComments lets a comment on a const or var group speak for its names, and a comment on a type group for none.
func (c *checker) checkDeclComments(f *file, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			alone := !d.Lparen.IsValid() && said(d.Doc)
			if s.Name.IsExported() && !alone && !said(s.Doc) {
				c.reportUncommented(f, s.Pos(), s.Name.Name)
			}
		case *ast.ValueSpec:
			if said(d.Doc) || said(s.Doc) || said(s.Comment) {
				continue
			}
			for _, name := range s.Names {
				if name.IsExported() {
					c.reportUncommented(f, name.Pos(), name.Name)
				}
			}
		}
	}
}

func (c *checker) reportUncommented(f *file, pos token.Pos, name string) {
	c.report(f.path, f.line(pos), "exported %s has no comment; say above it what it is", name)
}

// checkMarkers reads comments only, so that a string may name what it looks for. Tests are read too.
func (c *checker) checkMarkers(f *file) {
	for _, group := range f.syntax.Comments {
		for _, comment := range group.List {
			for _, at := range markers.FindAllStringIndex(comment.Text, -1) {
				line := f.line(comment.Pos()) + strings.Count(comment.Text[:at[0]], "\n")
				c.report(f.path, line, "%s in a comment; do it now, or write it down as an issue", comment.Text[at[0]:at[1]])
			}
		}
	}
}

// receiverName gives the receiver's type without pointer and type parameters; empty for a plain function.
func receiverName(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return ""
	}
	for expr := d.Recv.List[0].Type; ; {
		switch t := expr.(type) {
		case *ast.Ident:
			return t.Name
		case *ast.StarExpr:
			expr = t.X
		case *ast.ParenExpr:
			expr = t.X
		case *ast.IndexExpr:
			expr = t.X
		case *ast.IndexListExpr:
			expr = t.X
		default:
			return ""
		}
	}
}

// said tells whether a comment has words: Text drops directives such as //go:build.
func said(group *ast.CommentGroup) bool {
	return strings.TrimSpace(group.Text()) != ""
}

func countLines(source []byte) int {
	n := bytes.Count(source, []byte("\n"))
	if len(source) > 0 && source[len(source)-1] != '\n' {
		n++
	}
	return n
}
