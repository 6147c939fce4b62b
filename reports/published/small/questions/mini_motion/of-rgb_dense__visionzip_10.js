given("of-rgb_dense__visionzip_10",{"outcomes":"222111221212212122122121","labels":null});
