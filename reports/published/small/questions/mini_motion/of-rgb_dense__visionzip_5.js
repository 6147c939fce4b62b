given("of-rgb_dense__visionzip_5",{"outcomes":"222111221212212222122121","labels":null});
