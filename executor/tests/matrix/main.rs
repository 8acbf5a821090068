//! The crash matrix: a fault at every edge of an execution, for every class of provider, and what must be true when
//! everything has come to rest.
//!
//! An edge is one side of a call through a seam: nothing is done yet, or everything is and the caller does not know.
//! Which edges there are is not written down: a story is played once without a fault and its calls are counted, then
//! it is played again for each of them with the fault there. What may come of it is in [`expect`], what must be true
//! whatever comes of it is in [`check`].

#![cfg(test)]

mod blobs;
mod case;
mod check;
mod clock;
mod column;
mod database;
mod edges;
mod expect;
mod form;
mod plan;
mod play;
mod process;
mod provider;
mod records;
mod report;
mod scenario;
mod seams;
mod studio;
mod world;

macro_rules! for_each_class {
    ($check:ident($($argument:expr),*)) => {
        #[test]
        fn class_a() {
            $check($($argument,)* Promise::Key);
        }

        #[test]
        fn class_b() {
            $check($($argument,)* Promise::ChosenId);
        }

        #[test]
        fn class_c() {
            $check($($argument,)* Promise::GivenId);
        }

        #[test]
        fn class_c_that_cannot_be_searched() {
            $check($($argument,)* Promise::GivenIdOnly);
        }

        #[test]
        fn class_d() {
            $check($($argument,)* Promise::Nothing);
        }
    };
}

macro_rules! matrix {
    ($($module:ident: $dialect:ident { $($fault:ident: $column:ident,)+ })+) => {$(
        mod $module {
            $(mod $fault {
                use crate::{column::{Column, check}, database::Dialect, studio::Promise};

                for_each_class!(check(Dialect::$dialect, Column::$column));
            })+
        }
    )+};
}

mod no_fault {
    use crate::{column::check_stories, studio::Promise};

    for_each_class!(check_stories());
}

matrix! {
    sqlite: Sqlite {
        crash: Crash,
        lease_loss: LeaseLoss,
        database_error: DatabaseError,
        store_error: StoreError,
        network_error: NetworkError,
    }
    postgres: Postgres {
        crash: Crash,
        lease_loss: LeaseLoss,
        database_error: DatabaseError,
    }
}
