given("of-rgb_dense__videoscan_50",{"outcomes":"221111221212212222222111","labels":null});
