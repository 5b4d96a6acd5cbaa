import { FieldKind, type Field } from "./field.js";
import { textFault } from "./plain.js";
import type { Row, RowValue } from "./rowshape.js";
import type { Table } from "./table.js";
import { utf8 } from "./writer.js";

/** checkRow throws a RangeError that names the first field whose value can't travel as it is. What is missing is false, 0 or "". */
export function checkRow(table: Table, row: object): void {
  for (const field of table.fields) {
    const value = valueAt(row as Row, field.name);
    if (value === undefined) continue;
    const why = fault(field, value);
    if (why !== undefined) throw new RangeError(`${table.name}.${field.name} is ${String(value)}: ${why}`);
  }
}

/** valueAt finds the value of a path such as "Pos.X" or "Cells[3]". */
function valueAt(row: Row, path: string): RowValue | undefined {
  if (path in row) return row[path];
  let value: RowValue | undefined = row;
  for (const part of path.match(/[^.[\]]+/g) ?? []) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Row)[part];
  }
  return value;
}

function fault(f: Field, value: RowValue): string | undefined {
  switch (f.kind) {
    case FieldKind.bool:
      return typeof value === "boolean" ? undefined : "it must be true or false";
    case FieldKind.text:
      if (typeof value !== "string") return "it must be a string";
      return utf8(value).length <= Number(f.top) ? plainFault(value) : `it has more than ${f.top} bytes`;
    case FieldKind.float:
      return floatFault(f, value);
  }
  const whole = typeof value === "bigint" ? value : Number.isSafeInteger(value) ? BigInt(value as number) : undefined;
  if (whole === undefined) return "it must be a whole number";
  return whole >= f.base && whole <= f.base + f.top ? undefined : `${f.base} to ${f.base + f.top} are possible`;
}

function plainFault(text: string): string | undefined {
  const why = textFault(text);
  return why && `it ${why}; cleanText makes it fit`;
}

function floatFault(f: Field, value: RowValue): string | undefined {
  if (typeof value !== "number" || !Number.isFinite(value)) return "it must be a number";
  const half = f.step / 2;
  return f.wrap || (value >= f.min - half && value <= f.max + half) ? undefined : `${f.min} to ${f.max} are possible`;
}
