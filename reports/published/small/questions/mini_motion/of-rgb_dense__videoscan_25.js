given("of-rgb_dense__videoscan_25",{"outcomes":"221111221212212222222111","labels":null});
