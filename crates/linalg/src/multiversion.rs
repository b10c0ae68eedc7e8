//! Loops compiled for every instruction set and chosen at run time.

/// Defines functions over `T: Scalar` that are compiled for AVX-512 and AVX2 besides the target of the build. Everything that a body
/// calls must be `#[inline(always)]`. Multiplications and additions are not fused, so that all processors give the same bits.
macro_rules! multiversioned {
    ($($(#[$meta:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block)*) => {$(
        $(#[$meta])*
        fn $name<T: $crate::Scalar>($($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            fn body<T: $crate::Scalar>($($argument: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma,avx512f,avx512vl")]
                fn avx512<T: $crate::Scalar>($($argument: $type),*) $(-> $result)? {
                    body::<T>($($argument),*)
                }

                #[target_feature(enable = "avx2,fma")]
                fn avx2<T: $crate::Scalar>($($argument: $type),*) $(-> $result)? {
                    body::<T>($($argument),*)
                }

                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
                        // SAFETY: the processor has just been asked.
                        return unsafe { avx512::<T>($($argument),*) };
                    }
                    // SAFETY: the processor has just been asked.
                    return unsafe { avx2::<T>($($argument),*) };
                }
            }
            body::<T>($($argument),*)
        }
    )*};
}
pub(crate) use multiversioned;
