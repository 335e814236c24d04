# Plants a mistake: copies FROM to TO with MARK, which stands there once, replaced by BY (which may be empty).
file(READ ${FROM} text)
string(FIND "${text}" "${MARK}" first)
string(FIND "${text}" "${MARK}" last REVERSE)
if(first EQUAL -1 OR NOT first EQUAL last)
  message(FATAL_ERROR "'${MARK}' must stand once in ${FROM}: the mistake cannot be planted")
endif()
string(REPLACE "${MARK}" "${BY}" text "${text}")
file(WRITE ${TO} "${text}")
