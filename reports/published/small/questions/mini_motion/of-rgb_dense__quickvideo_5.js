given("of-rgb_dense__quickvideo_5",{"outcomes":"444444424412212444444444","labels":null});
