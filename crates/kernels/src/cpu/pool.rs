//! Buffers that are used again: the memory of a training step is that of the step before.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::Element;

/// Buffers shorter than this go straight to the allocator, which is fast at that size.
const SMALLEST: usize = 1024;
/// A buffer starts at a multiple of so many bytes, a line of the cache, so that no vector of a row of whole lines spans two.
const ALIGNMENT: usize = 64;
/// What a pool keeps at most, in bytes; what comes back beyond it is freed. A step of twelve layers at d = 384 needs 0.6 GB.
const RETAINED_BYTES: usize = 1 << 30;

/// Free buffers by length.
#[derive(Debug, Default)]
pub(super) struct Pool<T> {
    free: Mutex<Free<T>>,
}

#[derive(Debug, Default)]
struct Free<T> {
    by_length: HashMap<usize, Vec<Vec<T>>>,
    elements: usize,
}

/// The length of the buffer that serves `length` elements: one of four steps to each power of two.
fn size_class(length: usize) -> usize {
    if length < SMALLEST {
        return length;
    }
    let step = length.next_power_of_two() / 8;
    length.div_ceil(step) * step
}

/// Elements that a recycled buffer of `length` has beyond its class, for its alignment.
fn margin<T>(length: usize) -> usize {
    if length < SMALLEST {
        0
    } else {
        ALIGNMENT / size_of::<T>()
    }
}

impl<T: Element> Pool<T> {
    /// A buffer of `length` elements with arbitrary contents.
    pub(super) fn take(self: &Arc<Self>, length: usize) -> Buffer<T> {
        let class = size_class(length);
        let recycled = if class < SMALLEST {
            None
        } else {
            self.pop(class)
        };
        let data = recycled.unwrap_or_else(|| vec![T::zero(); class + margin::<T>(class)]);
        // As little as the margin allows: 0 where there is none.
        let start = data.as_ptr().align_offset(ALIGNMENT);
        Buffer {
            start: start.min(data.len() - class),
            data,
            length,
            pool: Arc::clone(self),
        }
    }

    /// Elements that come from elsewhere.
    pub(super) fn adopt(self: &Arc<Self>, data: Vec<T>) -> Buffer<T> {
        Buffer {
            start: 0,
            length: data.len(),
            data,
            pool: Arc::clone(self),
        }
    }

    fn pop(&self, class: usize) -> Option<Vec<T>> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let buffer = free.by_length.get_mut(&class)?.pop()?;
        free.elements -= class;
        Some(buffer)
    }

    fn put_back(&self, buffer: Vec<T>) {
        let margin = margin::<T>(buffer.len());
        let class = buffer.len().saturating_sub(margin);
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        // An adopted buffer may have a length between the classes.
        if class >= SMALLEST
            && class == size_class(class)
            && (free.elements + class) * size_of::<T>() <= RETAINED_BYTES
        {
            free.elements += class;
            free.by_length.entry(class).or_default().push(buffer);
        }
    }
}

/// Elements that return to their pool.
#[derive(Debug)]
pub(super) struct Buffer<T: Element> {
    data: Vec<T>,
    start: usize,
    length: usize,
    pool: Arc<Pool<T>>,
}

impl<T: Element> Buffer<T> {
    pub(super) fn as_slice(&self) -> &[T] {
        &self.data[self.start..][..self.length]
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.data[self.start..][..self.length]
    }
}

impl<T: Element> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        let mut copy = self.pool.take(self.length);
        copy.as_mut_slice().copy_from_slice(self.as_slice());
        copy
    }
}

impl<T: Element> Drop for Buffer<T> {
    fn drop(&mut self) {
        self.pool.put_back(std::mem::take(&mut self.data));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{ALIGNMENT, Pool, SMALLEST, size_class};

    #[test]
    fn size_classes_hold_their_length_and_waste_a_quarter_at_most() {
        for length in 1..20_000 {
            let class = size_class(length);
            assert!(
                class >= length && class * 4 <= length * 5,
                "{length} {class}"
            );
            assert_eq!(size_class(class), class);
        }
    }

    #[test]
    fn buffers_begin_at_a_line_of_the_cache() {
        let pool = Arc::new(Pool::<f32>::default());
        let buffers: Vec<_> = (0..40).map(|i| pool.take(SMALLEST + 777 * i)).collect();
        for buffer in buffers.iter().chain(&buffers.clone()) {
            let address = buffer.as_slice().as_ptr() as usize;
            assert!(address.is_multiple_of(ALIGNMENT));
        }
    }

    #[test]
    fn a_dropped_buffer_serves_again_and_a_clone_is_independent() {
        let pool = Arc::new(Pool::<f32>::default());
        let mut first = pool.take(5000);
        first.as_mut_slice()[4999] = 7.0;
        let address = first.as_slice().as_ptr();
        let copy = first.clone();
        first.as_mut_slice()[4999] = 8.0;
        assert_eq!(copy.as_slice()[4999], 7.0);
        drop(first);
        let again = pool.take(4990);
        assert_eq!(again.as_slice().as_ptr(), address);
        assert_eq!(again.as_slice().len(), 4990);
        drop(pool.take(SMALLEST - 1));
        assert!(
            !pool
                .free
                .lock()
                .unwrap()
                .by_length
                .contains_key(&(SMALLEST - 1))
        );
    }
}
