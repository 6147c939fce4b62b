given("of-rgb_dense__quickvideo_10",{"outcomes":"444444424412212122444444","labels":null});
