//! A machine for pickles that builds containers and tensors and can do nothing else.
//!
//! A pickle is a program for a stack machine. In Python some of its instructions call any function by name; here a name is looked up
//! in the short list of [`globals`], and a name that is not there ends the reading. Every object lives in one arena, so
//! that nesting, however deep, costs no stack.

use super::globals::{self, Global};
use std::{collections::HashMap, rc::Rc};

/// Why a pickle was refused; `at` is the offset of the instruction.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum PickleError {
    #[error("the pickle ends early, at byte {at}")]
    Truncated { at: usize },
    #[error(
        "refused at byte {at} of the pickle: {name} is not a plain tensor or a container of tensors"
    )]
    Global { at: usize, name: String },
    #[error(
        "refused at byte {at} of the pickle: instruction {opcode:#04x} is not needed for tensors"
    )]
    Opcode { at: usize, opcode: u8 },
    #[error("malformed at byte {at} of the pickle: {problem}")]
    Malformed { at: usize, problem: String },
}

/// A value on the stack; copied freely, since compound ones are places in the arena.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Bool(bool),
    Int(i64),
    Text(Rc<str>),
    /// Something that is not needed: what it is.
    Other(&'static str),
    Global(Global),
    Object(usize),
}

/// A compound value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Object {
    Tuple(Vec<Value>),
    List(Vec<Value>),
    Dict(Vec<(Value, Value)>),
    Storage(Storage),
    Tensor(Tensor),
}

/// A block of numbers in a file of the archive.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Storage {
    pub(super) key: Rc<str>,
    pub(super) dtype: safetensors::Dtype,
    pub(super) elements: u64,
}

/// A view of a storage: element (i, j, …) is number `offset + i * strides[0] + j * strides[1] + …` of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tensor {
    pub(super) storage: Storage,
    pub(super) offset: u64,
    pub(super) shape: Vec<u64>,
    pub(super) strides: Vec<u64>,
}

/// What a pickle describes.
#[derive(Debug)]
pub(super) struct Pickle {
    objects: Vec<Object>,
    root: Value,
}

impl Pickle {
    /// Runs the program.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, PickleError> {
        let mut machine = Machine {
            reader: Reader { bytes, at: 0 },
            objects: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            at: 0,
        };
        let root = machine.run()?;
        Ok(Self {
            objects: machine.objects,
            root,
        })
    }

    pub(super) fn root(&self) -> &Value {
        &self.root
    }

    /// The object that a value stands for, if it is compound.
    pub(super) fn object(&self, value: &Value) -> Option<&Object> {
        match value {
            Value::Object(place) => self.objects.get(*place),
            _ => None,
        }
    }

    /// What a value is, in a word.
    pub(super) fn kind(&self, value: &Value) -> &'static str {
        match value {
            Value::Bool(_) => "a truth value",
            Value::Int(_) => "an integer",
            Value::Text(_) => "text",
            Value::Other(kind) => kind,
            Value::Global(_) => "a name",
            Value::Object(_) => match self.object(value) {
                Some(Object::Tuple(_)) => "a tuple",
                Some(Object::List(_)) => "a list",
                Some(Object::Dict(_)) => "a dictionary",
                Some(Object::Storage(_)) => "a storage",
                Some(Object::Tensor(_)) => "a tensor",
                None => "nothing",
            },
        }
    }
}

/// Reads the program from front to back.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], PickleError> {
        let end = self
            .at
            .checked_add(count)
            .filter(|&end| end <= self.bytes.len());
        let end = end.ok_or(PickleError::Truncated { at: self.at })?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    /// A number of `width` bytes, at most eight, lowest first.
    fn number(&mut self, width: usize) -> Result<u64, PickleError> {
        let bytes = self.take(width)?;
        Ok(bytes.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b)))
    }

    /// Text behind its length of `width` bytes.
    fn text(&mut self, width: usize) -> Result<Rc<str>, PickleError> {
        let at = self.at;
        let length = self.number(width)?;
        let bytes = self.take(usize::try_from(length).unwrap_or(usize::MAX))?;
        let text = str::from_utf8(bytes).map_err(|_| PickleError::Malformed {
            at,
            problem: "text that is not UTF-8".into(),
        })?;
        Ok(text.into())
    }

    /// Text up to the end of the line.
    fn line(&mut self) -> Result<&'a str, PickleError> {
        let at = self.at;
        let length = self.bytes[at..].iter().position(|&b| b == b'\n');
        let length = length.ok_or(PickleError::Truncated {
            at: self.bytes.len(),
        })?;
        let line = self.take(length + 1)?;
        str::from_utf8(&line[..length]).map_err(|_| PickleError::Malformed {
            at,
            problem: "a name that is not UTF-8".into(),
        })
    }

    /// An integer of `length` bytes in two's complement, if it has at most 64 bits.
    fn long(&mut self, length: u64) -> Result<Value, PickleError> {
        let bytes = self.take(usize::try_from(length).unwrap_or(usize::MAX))?;
        if bytes.len() > 8 {
            return Ok(Value::Other("a large integer"));
        }
        let fill = if bytes.last().is_some_and(|b| b & 0x80 != 0) {
            0xFF
        } else {
            0
        };
        let mut whole = [fill; 8];
        whole[..bytes.len()].copy_from_slice(bytes);
        Ok(Value::Int(i64::from_le_bytes(whole)))
    }
}

struct Machine<'a> {
    reader: Reader<'a>,
    objects: Vec<Object>,
    stack: Vec<Value>,
    /// Heights of the stack where groups begin.
    marks: Vec<usize>,
    memo: HashMap<u64, Value>,
    /// Offset of the current instruction.
    at: usize,
}

impl Machine<'_> {
    fn run(&mut self) -> Result<Value, PickleError> {
        loop {
            self.at = self.reader.at;
            match self.reader.take(1)?[0] {
                b'.' => return self.pop(),
                opcode => self.step(opcode)?,
            }
        }
    }

    /// One instruction. Their names are those of Python's `pickletools`.
    fn step(&mut self, opcode: u8) -> Result<(), PickleError> {
        match opcode {
            0x80 => drop(self.reader.take(1)?),            // PROTO
            0x95 => drop(self.reader.take(8)?),            // FRAME
            b'(' => self.marks.push(self.stack.len()),     // MARK
            b'0' => drop(self.pop()?),                     // POP
            b'N' => self.stack.push(Value::Other("None")), // NONE
            0x88 => self.stack.push(Value::Bool(true)),    // NEWTRUE
            0x89 => self.stack.push(Value::Bool(false)),   // NEWFALSE
            b'G' | b'K' | b'M' | b'J' | 0x8a | 0x8b => self.push_number(opcode)?,
            b'X' | 0x8c | 0x8d | b'U' | b'T' | b'C' | b'B' | 0x8e => self.push_text(opcode)?,
            b'}' => self.push_object(Object::Dict(Vec::new())), // EMPTY_DICT
            b']' => self.push_object(Object::List(Vec::new())), // EMPTY_LIST
            b')' => self.push_object(Object::Tuple(Vec::new())), // EMPTY_TUPLE
            b't' | b'l' | b'd' | 0x85..=0x87 => self.push_group(opcode)?,
            b's' | b'u' | b'a' | b'e' => self.add(opcode)?,
            b'q' | b'r' | 0x94 | b'h' | b'j' => self.memory(opcode)?,
            b'c' | 0x93 => self.push_global(opcode)?,
            b'Q' => self.push_storage()?, // BINPERSID
            b'R' => self.call()?,         // REDUCE
            b'b' => self.set_state()?,    // BUILD
            _ => {
                return Err(PickleError::Opcode {
                    at: self.at,
                    opcode,
                });
            }
        }
        Ok(())
    }

    fn malformed(&self, problem: impl Into<String>) -> PickleError {
        PickleError::Malformed {
            at: self.at,
            problem: problem.into(),
        }
    }

    /// The value on top, which must belong to the innermost group.
    fn pop(&mut self) -> Result<Value, PickleError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err(self.malformed("nothing left on the stack"));
        }
        self.stack
            .pop()
            .ok_or_else(|| self.malformed("nothing left on the stack"))
    }

    /// All values of the innermost group, which ends.
    fn pop_group(&mut self) -> Result<Vec<Value>, PickleError> {
        match self.marks.pop() {
            Some(mark) => Ok(self.stack.split_off(mark)),
            None => Err(self.malformed("the end of a group that did not begin")),
        }
    }

    fn push_object(&mut self, object: Object) {
        self.stack.push(Value::Object(self.objects.len()));
        self.objects.push(object);
    }

    fn push_number(&mut self, opcode: u8) -> Result<(), PickleError> {
        let value = match opcode {
            b'K' => Value::Int(self.reader.number(1)? as i64), // BININT1
            b'M' => Value::Int(self.reader.number(2)? as i64), // BININT2
            b'J' => Value::Int(i64::from(self.reader.number(4)? as u32 as i32)), // BININT
            0x8a => {
                let length = self.reader.number(1)?; // LONG1
                self.reader.long(length)?
            }
            0x8b => {
                let length = self.reader.number(4)?; // LONG4
                self.reader.long(length)?
            }
            _ => {
                self.reader.take(8)?; // BINFLOAT
                Value::Other("a floating-point number")
            }
        };
        self.stack.push(value);
        Ok(())
    }

    fn push_text(&mut self, opcode: u8) -> Result<(), PickleError> {
        let value = match opcode {
            0x8c => Value::Text(self.reader.text(1)?), // SHORT_BINUNICODE
            b'X' => Value::Text(self.reader.text(4)?), // BINUNICODE
            0x8d => Value::Text(self.reader.text(8)?), // BINUNICODE8
            _ => {
                let width = match opcode {
                    b'U' | b'C' => 1, // SHORT_BINSTRING, SHORT_BINBYTES
                    b'T' | b'B' => 4, // BINSTRING, BINBYTES
                    _ => 8,           // BINBYTES8
                };
                let length = self.reader.number(width)?;
                self.reader
                    .take(usize::try_from(length).unwrap_or(usize::MAX))?;
                Value::Other("bytes")
            }
        };
        self.stack.push(value);
        Ok(())
    }

    fn push_group(&mut self, opcode: u8) -> Result<(), PickleError> {
        let object = match opcode {
            b't' => Object::Tuple(self.pop_group()?), // TUPLE
            b'l' => Object::List(self.pop_group()?),  // LIST
            b'd' => {
                let items = self.pop_group()?; // DICT
                Object::Dict(self.pairs(items)?)
            }
            _ => {
                let count = usize::from(opcode - 0x84); // TUPLE1, TUPLE2, TUPLE3
                let mut items = (0..count)
                    .map(|_| self.pop())
                    .collect::<Result<Vec<_>, _>>()?;
                items.reverse();
                Object::Tuple(items)
            }
        };
        self.push_object(object);
        Ok(())
    }

    fn pairs(&self, items: Vec<Value>) -> Result<Vec<(Value, Value)>, PickleError> {
        let mut pairs = Vec::with_capacity(items.len() / 2);
        let mut items = items.into_iter();
        while let Some(key) = items.next() {
            let value = items.next();
            pairs.push((
                key,
                value.ok_or_else(|| self.malformed("a key without a value"))?,
            ));
        }
        Ok(pairs)
    }

    /// Adds to the container under the values.
    fn add(&mut self, opcode: u8) -> Result<(), PickleError> {
        let items = match opcode {
            b'a' => vec![self.pop()?], // APPEND
            b's' => {
                let value = self.pop()?; // SETITEM
                vec![self.pop()?, value]
            }
            _ => self.pop_group()?, // SETITEMS, APPENDS
        };
        let place = self.top_object()?;
        if matches!(opcode, b's' | b'u') {
            let pairs = self.pairs(items)?;
            if let Object::Dict(entries) = &mut self.objects[place] {
                entries.extend(pairs);
                return Ok(());
            }
        } else if let Object::List(entries) = &mut self.objects[place] {
            entries.extend(items);
            return Ok(());
        }
        Err(self.malformed("values added to something that is no such container"))
    }

    /// The place of the object on top, which stays there.
    fn top_object(&self) -> Result<usize, PickleError> {
        match self.stack.last() {
            Some(Value::Object(place)) => Ok(*place),
            _ => Err(self.malformed("no container on the stack")),
        }
    }

    fn memory(&mut self, opcode: u8) -> Result<(), PickleError> {
        let index = match opcode {
            b'q' | b'h' => self.reader.number(1)?, // BINPUT, BINGET
            b'r' | b'j' => self.reader.number(4)?, // LONG_BINPUT, LONG_BINGET
            _ => self.memo.len() as u64,           // MEMOIZE
        };
        if matches!(opcode, b'h' | b'j') {
            let value = self.memo.get(&index).cloned();
            let value =
                value.ok_or_else(|| self.malformed(format!("no value {index} remembered")))?;
            self.stack.push(value);
        } else {
            let value = self.stack.last().cloned();
            let value = value.ok_or_else(|| self.malformed("nothing to remember"))?;
            self.memo.insert(index, value);
        }
        Ok(())
    }

    fn push_global(&mut self, opcode: u8) -> Result<(), PickleError> {
        let (module, name): (Rc<str>, Rc<str>) = if opcode == b'c' {
            (self.reader.line()?.into(), self.reader.line()?.into()) // GLOBAL
        } else {
            let name = self.pop()?; // STACK_GLOBAL
            match (self.pop()?, name) {
                (Value::Text(module), Value::Text(name)) => (module, name),
                _ => return Err(self.malformed("a name that is not text")),
            }
        };
        let global = globals::find(&module, &name).ok_or_else(|| PickleError::Global {
            at: self.at,
            name: format!("{module}.{name}"),
        })?;
        self.stack.push(Value::Global(global));
        Ok(())
    }

    /// A storage, which the pickle keeps outside of itself.
    fn push_storage(&mut self) -> Result<(), PickleError> {
        let id = self.pop()?;
        let storage = self.items(&id).and_then(globals::storage);
        let storage =
            storage.ok_or_else(|| self.malformed("a reference that is not to a storage"))?;
        self.push_object(Object::Storage(storage));
        Ok(())
    }

    /// The members of a tuple.
    fn items(&self, value: &Value) -> Option<&[Value]> {
        globals::tuple(&self.objects, value)
    }

    fn call(&mut self) -> Result<(), PickleError> {
        let arguments = self.pop()?;
        let function = self.pop()?;
        let Value::Global(global) = function else {
            return Err(self.malformed("a call of something that is no function"));
        };
        let arguments = self.items(&arguments);
        let arguments =
            arguments.ok_or_else(|| self.malformed("a call without a tuple of arguments"))?;
        match globals::call(global, arguments, &self.objects) {
            Ok(globals::Outcome::New(object)) => self.push_object(object),
            Ok(globals::Outcome::Same(value)) => self.stack.push(value),
            Err(problem) => return Err(self.malformed(problem)),
        }
        Ok(())
    }

    /// Attributes of a dictionary (PyTorch keeps version numbers there) are of no use here; nothing else may have any.
    fn set_state(&mut self) -> Result<(), PickleError> {
        self.pop()?;
        let place = self.top_object()?;
        match self.objects[place] {
            Object::Dict(_) => Ok(()),
            _ => Err(self.malformed("attributes for something that is no dictionary")),
        }
    }
}
