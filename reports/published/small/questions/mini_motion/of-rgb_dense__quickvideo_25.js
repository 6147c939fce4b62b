given("of-rgb_dense__quickvideo_25",{"outcomes":"221111221212212122122111","labels":null});
