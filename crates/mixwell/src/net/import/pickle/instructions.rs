//! What each instruction does.

use super::machine::Machine;
use super::{Id, Object};
use crate::net::import::ImportError;

impl<'a> Machine<'a> {
    /// One instruction; the root at the last one.
    pub(super) fn step(&mut self) -> Result<Option<Id>, ImportError> {
        let opcode = self.take(1)?[0];
        match opcode {
            b'.' => return self.pop().map(Some),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.since_mark()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            0x80 => {
                let protocol = self.take(1)?[0];
                if protocol > 5 {
                    return Err(self.wrong(format!("protocol {protocol} of pickle is not known")));
                }
            }
            // Frames only say how much to read at once.
            0x95 => drop(self.take(8)?),
            b'N' => self.push(Object::None),
            0x88 => self.push(Object::Bool(true)),
            0x89 => self.push(Object::Bool(false)),
            b'I' | b'L' => {
                let line = self.line()?;
                let object = match line {
                    "00" => Object::Bool(false),
                    "01" => Object::Bool(true),
                    _ => Object::Int(
                        line.trim_end_matches('L')
                            .parse()
                            .map_err(|_| self.wrong("a number cannot be read"))?,
                    ),
                };
                self.push(object);
            }
            b'J' => {
                let value = i32::from_le_bytes(self.number()?);
                self.push(Object::Int(value.into()));
            }
            b'K' => {
                let value = self.take(1)?[0];
                self.push(Object::Int(value.into()));
            }
            b'M' => {
                let value = u16::from_le_bytes(self.number()?);
                self.push(Object::Int(value.into()));
            }
            0x8a => self.long(1)?,
            0x8b => self.long(4)?,
            b'F' => {
                self.line()?;
                self.push(Object::Float);
            }
            b'G' => {
                self.take(8)?;
                self.push(Object::Float);
            }
            b'X' => self.text(4)?,
            0x8c => self.text(1)?,
            0x8d => self.text(8)?,
            b'U' => self.old_text(1)?,
            b'T' => self.old_text(4)?,
            b'V' => {
                let text = self.line()?;
                self.push(Object::Text(text));
            }
            b'C' => self.blob(1)?,
            b'B' => self.blob(4)?,
            0x8e | 0x96 => self.blob(8)?,
            b']' | b')' | 0x8f => self.push(Object::Sequence(vec![])),
            b'}' => self.push(Object::Dict(vec![])),
            b'l' | b't' | 0x91 => {
                let items = self.since_mark()?;
                self.push(Object::Sequence(items));
            }
            0x85 => self.tuple(1)?,
            0x86 => self.tuple(2)?,
            0x87 => self.tuple(3)?,
            b'd' => {
                let items = self.since_mark()?;
                self.push(Object::Dict(vec![]));
                self.set_items(&items)?;
            }
            b'a' => {
                let item = self.pop()?;
                self.append(&[item])?;
            }
            b'e' | 0x90 => {
                let items = self.since_mark()?;
                self.append(&items)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set_items(&[key, value])?;
            }
            b'u' => {
                let items = self.since_mark()?;
                self.set_items(&items)?;
            }
            b'q' => {
                let key = self.take(1)?[0];
                self.remember(key.into())?;
            }
            b'r' => {
                let key = self.u32()?;
                self.remember(key)?;
            }
            0x94 => self.remember(self.memo.len() as u32)?,
            b'h' => {
                let key = self.take(1)?[0];
                self.recall(key.into())?;
            }
            b'j' => {
                let key = self.u32()?;
                self.recall(key)?;
            }
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Object::Global(module, name));
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let text = |id: Id| match self.objects[id as usize] {
                    Object::Text(text) => Ok(text),
                    _ => Err(self.wrong("a global is not named by texts")),
                };
                let (module, name) = (text(module)?, text(name)?);
                self.push(Object::Global(module, name));
            }
            b'R' | 0x81 => {
                let arguments = self.arguments()?;
                let function = self.pop()?;
                self.call(function, &arguments)?;
            }
            0x92 => {
                let (keywords, arguments, class) = (self.pop()?, self.pop()?, self.pop()?);
                self.push(Object::Opaque(class, vec![arguments, keywords]));
            }
            b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                let inside = self.since_mark()?;
                let class = self.objects.len() as Id;
                self.objects.push(Object::Global(module, name));
                self.push(Object::Opaque(class, inside));
            }
            b'o' => {
                let mut inside = self.since_mark()?;
                if inside.is_empty() {
                    return Err(self.wrong("an object has no class"));
                }
                let class = inside.remove(0);
                self.push(Object::Opaque(class, inside));
            }
            b'b' => {
                // Attributes: of use only in what is not read anyway, where they may hide weights.
                let state = self.pop()?;
                let top = self.top()?;
                if let Object::Opaque(_, inside) = &mut self.objects[top as usize] {
                    inside.push(state);
                }
            }
            b'Q' => {
                let id = self.pop()?;
                self.push(Object::Persistent(id));
            }
            other => {
                self.at -= 1;
                return Err(self.wrong(format!("instruction {other:#04x} of pickle is not known here")));
            }
        }
        Ok(None)
    }
}
