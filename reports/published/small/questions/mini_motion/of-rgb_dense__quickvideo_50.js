given("of-rgb_dense__quickvideo_50",{"outcomes":"221111222121212122122111","labels":null});
