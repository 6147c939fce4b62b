given("of-rgb_dense__visionzip_25",{"outcomes":"221111221112212122442121","labels":null});
