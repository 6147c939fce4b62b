given("of-rgb_dense__videoscan_5",{"outcomes":"211212222122212112121221","labels":null});
